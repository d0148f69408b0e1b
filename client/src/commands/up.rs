//! `up`: opens sessions that stay.

use borealis_proto::{OpenSession, Session, Target};
use futures_util::future::join_all;

use super::shared::{access, settled};
use crate::api::Api;
use crate::cli::UpArgs;
use crate::exit::Code;
use crate::output::{self, notes, spinner, text};
use crate::target::{self, Here};
use crate::{Context, Error, choose, two_factor};

/// All at once: ten sessions take as long as the slowest.
pub(super) async fn run(context: &Context, args: UpArgs) -> Result<Code, Error> {
    let targets = target::many(&args.targets, &Here)?;
    if args.port.is_some() && targets.len() > 1 {
        return Err(Error::Usage {
            message: "--port is for one target only".to_owned(),
            hint: "leave it out: each session gets a port of its own, and keeps it".to_owned(),
        });
    }
    let api = context.daemon().await?;
    let opening = join_all(targets.iter().map(|target| open(&api, target, &args)));
    let answers = spinner::during(&format!("opening {}", names(&targets)), opening).await;
    let answers = resolved(&api, &targets, answers, &args).await;
    let (sessions, refusals) = split(answers);
    print(&sessions, targets.len() > 1, args.json)?;
    notes::unsaved(&sessions);
    Ok(report(sessions, refusals, &args))
}

/// What was not clear is asked back, one after the other.
async fn resolved(
    api: &Api,
    targets: &[Target],
    answers: Vec<Result<Session, Error>>,
    args: &UpArgs,
) -> Vec<Result<Session, Error>> {
    let mut resolved = Vec::new();
    for (target, answer) in targets.iter().zip(answers) {
        resolved.push(match answer {
            Err(error) => {
                choose::after(error, api, target, async |chosen| {
                    let what = format!("opening {chosen}");
                    spinner::during(&what, open(api, chosen, args)).await
                })
                .await
            }
            done => done,
        });
    }
    resolved
}

async fn open(api: &Api, target: &Target, args: &UpArgs) -> Result<Session, Error> {
    let patience = if args.no_wait { 0 } else { args.timeout.as_millis() };
    let wish = OpenSession {
        target: target.to_string(),
        access: access(args.write_access),
        identity: borealis_proto::Identity::Personal,
        port: args.port,
        ephemeral: false,
        wait_ms: u64::try_from(patience).unwrap_or(u64::MAX),
    };
    two_factor::answering(api, |session| Some(session), async || Ok(api.open(&wish).await?)).await
}

/// One object for one target, an array for several.
fn print(sessions: &[Session], several: bool, json: bool) -> Result<(), Error> {
    match sessions {
        [session] if json && !several => output::json(session)?,
        sessions if json && several => output::json(&sessions)?,
        _ if json => {}
        sessions => output::print(&sessions.iter().map(text::line).collect::<String>())?,
    }
    Ok(())
}

/// Says what failed, and how to use what did not; the code is the first failure's.
fn report(sessions: Vec<Session>, refusals: Vec<Error>, args: &UpArgs) -> Code {
    let usable = sessions.first().map(|session| session.target.clone());
    let not_up = sessions.into_iter().filter_map(|session| match args.no_wait {
        true => None,
        false => settled(session).err(),
    });
    let failures: Vec<Error> = not_up.chain(refusals).collect();
    failures.iter().for_each(notes::failure);
    match (failures.first(), usable) {
        (Some(failure), _) => failure.into(),
        (None, Some(target)) => {
            let flag = if args.write_access { " --write-access" } else { "" };
            notes::note(&format!("use it: borealisctl psql {target}{flag}"));
            Code::DONE
        }
        (None, None) => Code::DONE,
    }
}

fn names(targets: &[Target]) -> String {
    targets.iter().map(Target::to_string).collect::<Vec<_>>().join(", ")
}

fn split<T, E>(answers: Vec<Result<T, E>>) -> (Vec<T>, Vec<E>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for answer in answers {
        match answer {
            Ok(value) => good.push(value),
            Err(error) => bad.push(error),
        }
    }
    (good, bad)
}
