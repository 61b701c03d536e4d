//! `lcw simulate`: the simulated tenant alone, until it is stopped.

use anyhow::Context;
use jiff::Timestamp;
use lcw_simulator::{Limit, Simulator, TenantConfig};

use crate::args::{Output, SimulateArgs};
use crate::failure::Failure;
use crate::{print, signals};

pub(crate) async fn simulate(args: &SimulateArgs, to: &Output) -> Result<u8, Failure> {
    let simulator = Simulator::start_on(args.port, config(args)?)
        .await
        .with_context(|| format!("cannot listen on 127.0.0.1:{}", args.port))
        .map_err(|error| Failure::failed(&error))?;
    if let Some(per_second) = args.limit {
        if !(per_second.is_finite() && per_second > 0.0) {
            return Err(Failure::usage("--limit: give a number above 0"));
        }
        simulator.set_limit(Some(Limit::per_second(per_second)));
    }
    announce(&simulator, to)?;
    let mut stop = signals::watch();
    // An error means that nobody watches for signals any more, which ends the server too.
    let _stopped = stop.wait_for(Option::is_some).await;
    Ok(0)
}

fn config(args: &SimulateArgs) -> anyhow::Result<TenantConfig> {
    let now = match &args.now {
        Some(text) => text
            .parse()
            .with_context(|| format!("--now `{text}` is not RFC 3339"))?,
        None => Timestamp::now(),
    };
    Ok(TenantConfig {
        seed: args.seed,
        now,
        ticking: true,
        ..TenantConfig::demo()
    })
}

fn announce(simulator: &Simulator, to: &Output) -> Result<(), Failure> {
    let (origin, tenant) = (simulator.origin(), simulator.tenant_id());
    let (client_id, secret) = (simulator.client_id(), simulator.client_secret());
    if to.json {
        return print::json(&serde_json::json!({
            "graph_url": origin,
            "authority_url": origin,
            "tenant_id": tenant,
            "client_id": client_id,
            "client_secret": secret,
        }));
    }
    print::text(&format!(
        "The simulated tenant answers on {origin} until you press Ctrl-C.\n
Export it from another terminal:\n
  export AZURE_TENANT_ID={tenant}
  export AZURE_CLIENT_ID={client_id}
  export AZURE_CLIENT_SECRET={secret}
  lcw export --graph-url {origin} --authority-url {origin} --out lcw-data\n
Its clock, state and faults:\n
  curl {origin}/_simulator
  curl -X POST '{origin}/_simulator/clock?advance=24h'
  curl -X POST {origin}/_simulator/faults -d '…'      # see `curl {origin}/_simulator`"
    ))
}
