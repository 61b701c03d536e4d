//! Tells a person how to sign in on another device.

use std::io::Write as _;

use jiff::Timestamp;
use lcw_extractor::DevicePrompt;

use crate::args::LogFormat;
use crate::progress::Screen;

/// Shows what to do on stderr, above the progress line, whoever is there to read it.
pub(crate) fn prompt(
    screen: &Screen,
    format: LogFormat,
) -> impl Fn(&DevicePrompt) + Send + Sync + 'static {
    let screen = screen.clone();
    move |prompt| {
        let text = match format {
            LogFormat::Text => format!("{}\n", message(prompt)),
            LogFormat::Json => as_log_line(prompt),
        };
        // Without stderr there is nobody to tell; the sign-in then ends with its code.
        let _lost = screen.log_line().write_all(text.as_bytes());
    }
}

fn message(prompt: &DevicePrompt) -> String {
    format!(
        "to sign in, open {} in any browser and enter the code {} within {} minutes",
        prompt.verification_uri,
        prompt.user_code,
        prompt.expires_in.as_secs() / 60
    )
}

/// An event like those of the log.
fn as_log_line(prompt: &DevicePrompt) -> String {
    let event = serde_json::json!({
        "timestamp": Timestamp::now().to_string(),
        "level": "WARN",
        "message": message(prompt),
        "verification_uri": prompt.verification_uri,
        "user_code": prompt.user_code,
        "expires_in_s": prompt.expires_in.as_secs(),
    });
    format!("{event}\n")
}
