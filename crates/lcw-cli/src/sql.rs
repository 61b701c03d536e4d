//! `lcw sql`: the parts of what `lcw connect` writes, as text.

use serde_json::json;

use crate::args::{Output, SqlArgs};
use crate::choice::{Choice, Part};
use crate::connect::{dataset, location};
use crate::failure::Failure;
use crate::print;

pub(crate) fn sql(args: &SqlArgs, to: &Output) -> Result<u8, Failure> {
    let text = match args.part {
        Part::Views => lcw_sql::views(&location(&dataset(&args.dataset)?)?),
        Part::Dbt => lcw_sql::sources(&location(&dataset(&args.dataset)?)?),
        Part::Macros => lcw_sql::macros().to_owned(),
        Part::Examples => lcw_sql::examples().to_owned(),
    };
    if to.json {
        print::json(&json!({ "part": args.part.name(), "text": text }))?;
    } else {
        print::text(&text)?;
    }
    Ok(0)
}
