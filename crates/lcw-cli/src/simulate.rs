//! `lcw simulate`: the simulated tenant alone, until it is stopped.

use anyhow::Context;
use jiff::Timestamp;
use lcw_simulator::{Limit, Simulator, TenantConfig};

use crate::args::{Output, SimulateArgs};
use crate::failure::Failure;
use crate::print;
use crate::quantity::Rate;
use crate::signals::Signals;

pub(crate) async fn simulate(args: &SimulateArgs, to: &Output) -> Result<u8, Failure> {
    let mut signals = Signals::new().map_err(|error| Failure::failed(&error.into()))?;
    let simulator = Simulator::start_on(args.port, config(args))
        .await
        .with_context(|| format!("cannot listen on 127.0.0.1:{} (see --port)", args.port))
        .map_err(|error| Failure::failed(&error))?;
    let limit = args.limit.and_then(Rate::per_second);
    simulator.set_limit(limit.map(Limit::per_second));
    announce(&simulator, to)?;
    Ok(signals.next().await)
}

fn config(args: &SimulateArgs) -> TenantConfig {
    TenantConfig {
        seed: args.seed,
        ticking: true,
        ..TenantConfig::demo_at(args.now.unwrap_or_else(Timestamp::now))
    }
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
        "The simulated tenant answers on {origin} until you press Ctrl-C.

Export it from another terminal:

  export AZURE_TENANT_ID={tenant}
  export AZURE_CLIENT_ID={client_id}
  export AZURE_CLIENT_SECRET={secret}
  lcw export --graph-url {origin} \\
    --authority-url {origin} --out lcw-data

Let a day pass, add a run, let requests fail, and see what it was asked:

  curl -X POST '{origin}/_simulator/clock?advance=24h'
  curl -X POST \\
    '{origin}/_simulator/faults?kind=throttled&retry_after=5&times=1'
  curl -X DELETE {origin}/_simulator/faults
  curl {origin}/_simulator"
    ))
}
