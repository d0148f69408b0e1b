//! Extensions, and what they need.

use std::collections::BTreeSet;

use borealis_proto::{InstallExtension, InstalledExtensions, PgExtensions, Target};

use super::{Addons, Confirm, Error};
use crate::borealis::{self, Declined};

/// Calls that one wish may cost. Chains of needs are two or three long; a service whose answers
/// go round in circles must not keep us.
const MOST: usize = 32;

/// Every method: an error says whether Heroku, the service or the confirmation stands against it.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Addons {
    /// What is installed.
    pub async fn extensions(&self, target: &Target) -> Result<PgExtensions, Error> {
        let visit = self.visit(target).await?;
        Ok(self.borealis.extensions(&visit.attached.addon, visit.lease.token()).await?)
    }

    /// Installs an extension and, if that is wished, what it needs before it.
    pub async fn install_extension(
        &self,
        target: &Target,
        wish: &InstallExtension,
    ) -> Result<InstalledExtensions, Error> {
        let addon = self.heroku.resolve(target).await?.addon;
        let mut plan = Plan::new(wish);
        while let Some(name) = plan.next() {
            tracing::info!(addon, extension = name, "installing");
            // One for each call: it lives as long as one slow call may take.
            let lease = self.vault.lease().await?;
            match self.borealis.install_extension(&addon, lease.token(), &name).await {
                Ok(new) => {
                    plan.installed.push(new);
                    plan.done(name);
                }
                Err(refusal) => plan.refused(name, refusal)?,
            }
        }
        Ok(InstalledExtensions { installed: plan.installed })
    }

    /// Removes an extension that nothing needs.
    pub async fn remove_extension(
        &self,
        target: &Target,
        name: &str,
        confirm: &Confirm,
    ) -> Result<(), Error> {
        let visit = self.visit_if(target, confirm, Some(name)).await?;
        let (addon, token) = (&visit.attached.addon, visit.lease.token());
        tracing::info!(addon, extension = name, "removing");
        Ok(self.borealis.remove_extension(addon, token, name).await?)
    }
}

/// What is still to be installed, the last one first. Asks nobody.
struct Plan {
    recursive: bool,
    waiting: Vec<String>,
    done: BTreeSet<String>,
    calls: usize,
    installed: Vec<borealis_proto::InstalledExtension>,
}

impl Plan {
    fn new(wish: &InstallExtension) -> Self {
        Self {
            recursive: wish.recursive,
            waiting: vec![wish.pg_extension_name.clone()],
            done: BTreeSet::new(),
            calls: 0,
            installed: Vec::new(),
        }
    }

    fn next(&mut self) -> Option<String> {
        self.calls += 1;
        self.waiting.last().cloned()
    }

    fn done(&mut self, name: String) {
        self.waiting.pop();
        self.done.insert(name);
    }

    /// What it needs comes first; what somebody needs and is there is as good as installed.
    fn refused(&mut self, name: String, refusal: borealis::Error) -> Result<(), Error> {
        let declined = match &refusal {
            borealis::Error::Declined { declined, .. } => Some(declined),
            borealis::Error::Refused { .. } | borealis::Error::Http { .. } => None,
        };
        if let Some(Declined::ExtensionNeeds { dependencies, .. }) = declined {
            let missing = |needed: &&String| !self.done.contains(*needed) && **needed != name;
            let missing: Vec<String> = dependencies.iter().filter(missing).cloned().collect();
            if self.recursive && !missing.is_empty() && self.calls < MOST {
                self.waiting.extend(missing);
                return Ok(());
            }
        }
        let needed_by_another = self.waiting.len() > 1;
        if matches!(declined, Some(Declined::ExtensionTaken(_))) && needed_by_another {
            self.done(name);
            return Ok(());
        }
        Err(refusal.into())
    }
}

#[cfg(test)]
mod tests {
    use borealis_proto::InstalledExtension;

    use super::*;

    fn plan(recursive: bool) -> Plan {
        Plan::new(&InstallExtension { pg_extension_name: "a".to_owned(), recursive })
    }

    fn declined(declined: Declined) -> borealis::Error {
        borealis::Error::Declined { addon: "addon".to_owned(), declined, service_text: None }
    }

    fn needs(extension: &str, dependencies: &[&str]) -> borealis::Error {
        let dependencies = dependencies.iter().map(|&name| name.to_owned()).collect();
        declined(Declined::ExtensionNeeds { extension: extension.to_owned(), dependencies })
    }

    /// A service that knows who needs whom; the order in which things get installed.
    fn install(graph: &[(&str, &[&str])], there: &[&str]) -> Result<Vec<String>, Error> {
        let mut there: BTreeSet<String> = there.iter().map(|&name| name.to_owned()).collect();
        let mut plan = plan(true);
        while let Some(name) = plan.next() {
            let needed = graph.iter().find(|(one, _)| *one == name).map_or(&[][..], |(_, all)| all);
            let missing: Vec<&str> =
                needed.iter().copied().filter(|one| !there.contains(*one)).collect();
            if there.contains(&name) {
                plan.refused(name.clone(), declined(Declined::ExtensionTaken(name)))?;
            } else if missing.is_empty() {
                there.insert(name.clone());
                plan.installed.push(InstalledExtension {
                    pg_extension_name: name.clone(),
                    pg_extension_schema: name.clone(),
                    pg_extension_version: "1".to_owned(),
                });
                plan.done(name);
            } else {
                plan.refused(name.clone(), needs(&name, &missing))?;
            }
        }
        Ok(plan.installed.into_iter().map(|one| one.pg_extension_name).collect())
    }

    #[test]
    fn what_is_needed_comes_first_and_once() {
        assert_eq!(install(&[], &[]).unwrap(), ["a"]);
        assert_eq!(install(&[("a", &["b"]), ("b", &["c"])], &[]).unwrap(), ["c", "b", "a"]);
        let diamond: &[(&str, &[&str])] = &[("a", &["b", "c"]), ("b", &["d"]), ("c", &["b"])];
        assert_eq!(install(diamond, &[]).unwrap(), ["d", "b", "c", "a"]);
        assert_eq!(install(&[("a", &["b", "c"])], &["b"]).unwrap(), ["c", "a"]);
    }

    #[test]
    fn a_circle_ends() {
        assert!(install(&[("a", &["b"]), ("b", &["a"])], &[]).is_err());
        assert!(install(&[("a", &["a"])], &[]).is_err());
    }

    #[test]
    fn without_the_wish_nothing_else_is_installed() {
        let mut plan = plan(false);
        let name = plan.next().unwrap();
        assert!(plan.refused(name, needs("a", &["b"])).is_err());
    }

    #[test]
    fn what_was_asked_for_and_is_there_is_said() {
        assert!(install(&[], &["a"]).is_err());
    }

    #[test]
    fn a_service_that_forgets_what_it_installed_does_not_keep_us() {
        let mut plan = plan(true);
        let name = plan.next().unwrap();
        plan.refused(name, needs("a", &["b"])).unwrap();
        let name = plan.next().unwrap();
        plan.done(name);
        let name = plan.next().unwrap();
        assert!(plan.refused(name, needs("a", &["b"])).is_err());
    }
}
