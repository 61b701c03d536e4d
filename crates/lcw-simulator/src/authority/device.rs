//! Sign-ins by device code (RFC 8628).

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::LoginAsk;
use super::refusal::{Refusal, refuse};
use super::scope;
use crate::random;
use crate::sign_in::{DeviceOutcome, DeviceSignIn};
use crate::token::Grant;

pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// How much longer who asks too often has to wait from then on.
const SLOWER: Duration = Duration::from_secs(5);
/// Questions may arrive a little early: timers and sockets are not exact.
const GRACE: Duration = Duration::from_millis(50);

/// The sign-ins that have begun.
#[derive(Debug, Default)]
pub(super) struct DeviceBook {
    begun: HashMap<String, Begun>,
}

#[derive(Debug)]
struct Begun {
    grant: Grant,
    plan: DeviceSignIn,
    interval: Duration,
    since: Instant,
    asked_at: Instant,
    asked: u32,
}

impl DeviceBook {
    pub(super) fn begin(&mut self, ask: &LoginAsk<'_>, grant: Grant) -> Value {
        let plan = ask.access.device.clone();
        let number = self.begun.len() as u64;
        let hash = random::mix(&[ask.identity.seed, 0xde_71, number]);
        let device_code = format!("sim-device-{}", random::guid_text(random::guid(hash)));
        let user_code = format!("SIM{:06}", hash % 1_000_000);
        let page = "https://microsoft.com/devicelogin";
        let body = json!({
            "user_code": user_code,
            "device_code": device_code,
            "verification_uri": page,
            "expires_in": plan.lifetime.as_secs(),
            "interval": plan.interval.as_secs(),
            "message": format!(
                "To sign in, use a web browser to open the page {page} and enter the code {user_code} to \
                 authenticate."
            ),
        });
        let (interval, now) = (plan.interval, Instant::now());
        let begun = Begun {
            grant,
            plan,
            interval,
            since: now,
            asked_at: now,
            asked: 0,
        };
        self.begun.insert(device_code, begun);
        body
    }

    /// Says how a sign-in goes, as its plan has it.
    pub(super) fn poll(&mut self, ask: &LoginAsk<'_>) -> Result<Grant, Refusal> {
        let code = ask.field("device_code")?;
        let Some(begun) = self.begun.get_mut(&code) else {
            let text = "The device code is not known.".to_owned();
            return Err(refuse(400, "bad_verification_code", 70_000, text));
        };
        begun.poll()?;
        scope::check_consent(ask, &begun.grant)?;
        // A code is good for one sign-in.
        self.begun
            .remove(&code)
            .map(|begun| begun.grant)
            .ok_or_else(pending)
    }
}

impl Begun {
    fn poll(&mut self) -> Result<(), Refusal> {
        let now = Instant::now();
        let is_early = now - self.asked_at + GRACE < self.interval;
        self.asked_at = now;
        if now - self.since >= self.plan.lifetime {
            let text = "The code has expired.".to_owned();
            return Err(refuse(400, "expired_token", 70_020, text));
        }
        if is_early {
            return Err(self.slow_down());
        }
        self.asked += 1;
        if self.asked <= self.plan.pending {
            return Err(pending());
        }
        if self.asked <= self.plan.pending + self.plan.slow_down {
            return Err(self.slow_down());
        }
        match self.plan.outcome {
            DeviceOutcome::Accepted => Ok(()),
            DeviceOutcome::Forgotten => Err(pending()),
            DeviceOutcome::Declined => {
                let text = "The user declined the sign-in.".to_owned();
                Err(refuse(400, "authorization_declined", 70_018, text))
            }
        }
    }

    fn slow_down(&mut self) -> Refusal {
        self.interval += SLOWER;
        let text = "The code is asked about too often.".to_owned();
        refuse(400, "slow_down", 70_017, text)
    }
}

fn pending() -> Refusal {
    let text =
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.".to_owned();
    refuse(400, "authorization_pending", 70_016, text)
}
