//! What a value of Postgres is in JSON and YAML, by the OID of its type.

use super::oid;

/// How a value's text is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    One(Scalar),
    /// `{1,2}`
    Array {
        of: Scalar,
        /// Between the elements.
        delimiter: u8,
    },
    /// `1 2`, as the catalogs have it.
    Vector,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    /// JSON in the text already: numbers and JSON itself.
    Raw,
    Bool,
    Text,
}

/// The kind of a type. Types that a database made for itself have OIDs of its own: their values,
/// arrays too, stay the text that Postgres printed.
pub(super) fn kind(type_oid: u32) -> Kind {
    let array = |of| Kind::Array { of, delimiter: b',' };
    match type_oid {
        oid::BOOL => Kind::One(Scalar::Bool),
        oid::INT2
        | oid::INT4
        | oid::INT8
        | oid::OID
        | oid::FLOAT4
        | oid::FLOAT8
        | oid::NUMERIC
        | oid::JSON
        | oid::JSONB => Kind::One(Scalar::Raw),
        oid::INT2_VECTOR | oid::OID_VECTOR => Kind::Vector,
        oid::BOOL_ARRAY => array(Scalar::Bool),
        oid::BOX_ARRAY => Kind::Array { of: Scalar::Text, delimiter: b';' },
        other if RAW_ARRAYS.contains(&other) => array(Scalar::Raw),
        other if TEXT_ARRAYS.binary_search(&other).is_ok() => array(Scalar::Text),
        _ => Kind::One(Scalar::Text),
    }
}

/// json, int2, int4, int8, float4, float8, oid, numeric, jsonb.
const RAW_ARRAYS: [u32; 9] = [199, 1005, 1007, 1016, 1021, 1022, 1028, 1231, 3807];

/// All others that `pg_type` of Postgres 17 has from its beginning, in order.
const TEXT_ARRAYS: [u32; 71] = [
    143, 210, 270, 271, 272, 273, 629, 651, 719, 775, 791, 1001, 1002, 1003, 1006, 1008, 1009,
    1010, 1011, 1012, 1013, 1014, 1015, 1017, 1018, 1019, 1027, 1034, 1040, 1041, 1115, 1182, 1183,
    1185, 1187, 1263, 1270, 1561, 1563, 2201, 2207, 2208, 2209, 2210, 2211, 2287, 2949, 2951, 3221,
    3643, 3644, 3645, 3735, 3770, 3905, 3907, 3909, 3911, 3913, 3927, 4073, 4090, 4097, 4192, 5039,
    6150, 6151, 6152, 6153, 6155, 6157,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_order() {
        assert!(TEXT_ARRAYS.is_sorted());
        assert!(RAW_ARRAYS.iter().all(|oid| !TEXT_ARRAYS.contains(oid)));
    }
}
