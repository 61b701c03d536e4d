//! The service behind the socket: takes a request, says the answer, and remembers both.

use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::answer::{Answer, Caller, Delivery};
use crate::authority::{Authority, LoginAsk};
use crate::broken::{Links, damage};
use crate::cache::Cache;
use crate::clock::Clock;
use crate::config::Access;
use crate::control;
use crate::faults::{FaultBook, FaultTarget, Phase};
use crate::graph::GraphAsk;
use crate::hint;
use crate::hooks::Hooks;
use crate::limit::{Gate, Verdict};
use crate::query;
use crate::random;
use crate::record::{Endpoint, Records, RequestRecord};
use crate::route::{Route, Target};
use crate::scripted::ScriptedAnswer;
use crate::tenant::Tenant;
use crate::ticks::{self, SECOND, Ticks};
use crate::token::Identity;

/// Everything that the connections share.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) identity: Identity,
    pub(crate) scripted: Option<Vec<ScriptedAnswer>>,
    clock: Mutex<Clock>,
    tenant: RwLock<Tenant>,
    authority: Mutex<Authority>,
    faults: Mutex<FaultBook>,
    gate: Mutex<Gate>,
    records: Mutex<Records>,
    hooks: Mutex<Hooks>,
    cache: Mutex<Cache>,
}

/// A request, taken apart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) authorization: Option<String>,
    pub(crate) prefer: Option<String>,
    pub(crate) client_request_id: Option<String>,
    pub(crate) user_agent: Option<String>,
    /// The header that IMDS asks for.
    pub(crate) metadata: Option<String>,
    /// The header that App Service asks for.
    pub(crate) identity_header: Option<String>,
    /// Whether a proxy passed it on.
    pub(crate) is_forwarded: bool,
    pub(crate) body: String,
}

impl Asked {
    /// Whether values added to an enum later are understood.
    fn unknown_members(&self) -> bool {
        self.prefer.as_deref().is_some_and(|prefer| {
            prefer.split([',', ';']).any(|part| {
                part.trim()
                    .eq_ignore_ascii_case("include-unknown-enum-members")
            })
        })
    }

    fn is_further_page(&self) -> bool {
        self.query.contains("skiptoken=")
    }
}

/// A lock that goes on after a panic elsewhere: a test that failed shall not hide why.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Service {
    pub(crate) fn new(
        tenant: Tenant,
        identity: Identity,
        scripted: Option<Vec<ScriptedAnswer>>,
    ) -> Self {
        let start = ticks::from_timestamp(tenant.config.now);
        let cache = Cache::new(tenant.config.answers.cache_bytes);
        Self {
            identity,
            scripted,
            clock: Mutex::new(Clock::new(start, tenant.config.ticking)),
            tenant: RwLock::new(tenant),
            authority: Mutex::default(),
            faults: Mutex::default(),
            gate: Mutex::default(),
            records: Mutex::default(),
            hooks: Mutex::default(),
            cache: Mutex::new(cache),
        }
    }

    pub(crate) fn clock(&self) -> MutexGuard<'_, Clock> {
        lock(&self.clock)
    }

    pub(crate) fn authority(&self) -> MutexGuard<'_, Authority> {
        lock(&self.authority)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, FaultBook> {
        lock(&self.faults)
    }

    pub(crate) fn gate(&self) -> MutexGuard<'_, Gate> {
        lock(&self.gate)
    }

    pub(crate) fn records(&self) -> MutexGuard<'_, Records> {
        lock(&self.records)
    }

    pub(crate) fn hooks(&self) -> MutexGuard<'_, Hooks> {
        lock(&self.hooks)
    }

    /// The tenant as of now: scheduled runs have come up.
    pub(crate) fn tenant(&self) -> (RwLockReadGuard<'_, Tenant>, Ticks) {
        let now = self.clock().now();
        let tenant = self.tenant.read().unwrap_or_else(PoisonError::into_inner);
        if !tenant.is_due(now) {
            return (tenant, now);
        }
        drop(tenant);
        self.write_lock().catch_up(now);
        (
            self.tenant.read().unwrap_or_else(PoisonError::into_inner),
            now,
        )
    }

    /// The tenant for a mutation, with everything that happened before it.
    pub(crate) fn tenant_mut(&self) -> (RwLockWriteGuard<'_, Tenant>, Ticks) {
        let now = self.clock().now();
        let mut tenant = self.write_lock();
        tenant.catch_up(now);
        tenant.generation += 1;
        (tenant, now)
    }

    fn write_lock(&self) -> RwLockWriteGuard<'_, Tenant> {
        self.tenant.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one request.
    pub(crate) fn handle(&self, asked: &Asked) -> Answer {
        let at = Instant::now();
        let number = self.records().arrive();
        let route = Route::parse(&asked.path);
        let endpoint = route.endpoint();
        let inside_pause = if endpoint.is_graph() {
            self.gate().broken_pause(at)
        } else {
            None
        };
        let due = self.hooks().due(endpoint);
        for action in due {
            action();
        }
        let caller = self.caller(asked, number);
        let mut answer = self.answer(asked, &route, endpoint, &caller);
        self.finish_headers(&mut answer, &caller);
        let limit = self.tenant().0.config.record_limit;
        self.records().add(
            RequestRecord {
                number,
                at,
                method: asked.method.clone(),
                path: asked.path.clone(),
                query: asked.query.clone(),
                endpoint,
                authorized: asked.authorization.is_some(),
                prefer: asked.prefer.clone(),
                client_request_id: asked.client_request_id.clone(),
                user_agent: asked.user_agent.clone(),
                status: if answer.delivery == Delivery::Reset {
                    0
                } else {
                    answer.status
                },
                fault: answer.fault,
                inside_pause,
            },
            limit,
        );
        answer
    }

    fn caller(&self, asked: &Asked, number: u64) -> Caller {
        let seed = self.identity.seed;
        let now = self.clock().now();
        Caller {
            number,
            request_id: random::guid_text(random::guid(random::mix(&[seed, 0x4e_9d, number]))),
            client_request_id: asked.client_request_id.clone(),
            date: ticks::instant_text(now.div_euclid(SECOND) * SECOND)
                .trim_end_matches('Z')
                .to_owned(),
        }
    }

    /// What the `Date` header of an answer says now.
    pub(crate) fn header_date(&self) -> Ticks {
        let (tenant, now) = self.tenant();
        now + tenant.config.answers.date_skew_seconds * SECOND
    }

    fn finish_headers(&self, answer: &mut Answer, caller: &Caller) {
        answer
            .headers
            .push(("date", hint::http_date(self.header_date())));
        answer
            .headers
            .push(("request-id", caller.request_id.clone()));
        if let Some(id) = &caller.client_request_id {
            answer.headers.push(("client-request-id", id.clone()));
        }
        answer.headers.push(("odata-version", "4.0".to_owned()));
    }

    fn answer(&self, asked: &Asked, route: &Route, endpoint: Endpoint, caller: &Caller) -> Answer {
        if let Route::Control { rest } = route {
            return control::answer(self, asked, rest);
        }
        let target = FaultTarget {
            endpoint,
            path: &asked.path,
            further: asked.is_further_page(),
        };
        let fault = self.faults().pick(Phase::Before, &target);
        if let Some(fault) = fault {
            return self.broken(&fault, asked, caller);
        }
        let announced = if endpoint.is_graph() {
            let verdict = self.gate().admit(Instant::now());
            match verdict {
                Verdict::Refused(hint) => return self.throttled(&hint, caller),
                Verdict::Admitted(announced) => announced,
            }
        } else {
            None
        };
        let mut answer = self.resource(asked, route, &target, caller);
        if let Some(share) = announced {
            answer
                .headers
                .push(("x-ms-throttle-limit-percentage", format!("{share:.2}")));
        }
        if answer.status == 200 && answer.fault.is_none() {
            let fault = self.faults().pick(Phase::After, &target);
            if let Some(fault) = fault {
                damage(&mut answer, &fault);
            }
        }
        answer
    }

    fn resource(
        &self,
        asked: &Asked,
        route: &Route,
        target: &FaultTarget<'_>,
        caller: &Caller,
    ) -> Answer {
        let wanted = match target.endpoint {
            Endpoint::Token | Endpoint::DeviceCode => "POST",
            _ => "GET",
        };
        if asked.method != wanted {
            let message = format!("The method {} is not allowed.", asked.method);
            return Answer::error(405, "Request_BadRequest", &message, caller);
        }
        let access = self.tenant().0.config.access.clone();
        if let Some(answer) = self.sign_in(asked, route, &access) {
            return answer;
        }
        let authorization = asked.authorization.as_deref();
        let checked = self.authority().tokens.check(authorization, &access);
        let granted = match checked {
            Ok(granted) => granted,
            Err(refusal) => return Answer::unauthorized(refusal.message(), caller),
        };
        if let Some(scripted) = &self.scripted {
            return ScriptedAnswer::find(scripted, &asked.path, &asked.query)
                .unwrap_or_else(|| Answer::not_found("The scripted path", caller));
        }
        match route {
            Route::Graph {
                version,
                target: resource,
            } => {
                let beta = version == "beta";
                self.graph(asked, (resource, beta), target, &granted, caller)
            }
            Route::Unknown { segment } => Answer::bad_request(
                &format!("Resource not found for the segment '{segment}'."),
                caller,
            ),
            Route::Token { .. }
            | Route::DeviceCode { .. }
            | Route::ManagedIdentity(_)
            | Route::Control { .. } => Answer::not_found("The resource", caller),
        }
    }

    /// The answer of a route that leads to a token; `None` for the others.
    fn sign_in(&self, asked: &Asked, route: &Route, access: &Access) -> Option<Answer> {
        let now = self.clock().now();
        let ask = |tenant| LoginAsk {
            identity: &self.identity,
            access,
            tenant,
            form: &asked.body,
            now,
        };
        let mut authority = self.authority();
        match route {
            Route::Token { tenant } => Some(authority.token(&ask(tenant))),
            Route::DeviceCode { tenant } => Some(authority.device_code(&ask(tenant))),
            Route::ManagedIdentity(host) => {
                Some(host.token(&mut authority, &self.identity, access, asked, now))
            }
            _ => None,
        }
    }

    fn graph(
        &self,
        asked: &Asked,
        (resource, beta): (&Target, bool),
        target: &FaultTarget<'_>,
        roles: &[String],
        caller: &Caller,
    ) -> Answer {
        let (tenant, now) = self.tenant();
        let ask = GraphAsk {
            tenant: &tenant,
            origin: &self.identity.origin,
            path: &asked.path,
            query: &asked.query,
            unknown_members: asked.unknown_members(),
            beta,
            roles,
            caller,
            now,
        };
        let key = self.cache_key(&ask, asked);
        if let Some(key) = &key
            && let Some(body) = lock(&self.cache).get(key, now, tenant.generation)
        {
            return Answer::json(200, body);
        }
        let links = Links {
            service: self,
            target,
            query: &asked.query,
            fault: Cell::default(),
        };
        let mut answer = ask.answer(resource, &links);
        answer.fault = links.fault.get();
        if let Some(key) = key
            && answer.status == 200
        {
            lock(&self.cache).put(key, answer.body.clone(), now, tenant.generation);
        }
        answer
    }

    /// Names a body in the cache; `None` while bodies are not a function of the request alone.
    fn cache_key(&self, ask: &GraphAsk<'_>, asked: &Asked) -> Option<String> {
        if ask.tenant.config.answers.cache_bytes == 0 || !self.faults().is_empty() {
            return None;
        }
        let prefer = u8::from(ask.unknown_members);
        Some(format!(
            "{prefer}{} {}?{}",
            ask.roles.join(","),
            asked.path,
            asked.query
        ))
    }

    /// Moves the clock on.
    pub(crate) fn advance(&self, by: Duration) {
        self.clock().advance(by);
    }

    /// The value of a query parameter of the control surface.
    pub(crate) fn parameter(asked: &Asked, name: &str) -> Option<String> {
        query::value(&asked.query, name).or_else(|| query::value(&asked.body, name))
    }
}
