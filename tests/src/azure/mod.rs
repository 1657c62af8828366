//! A fake of what Azure is to a host that starts jobs: an identity endpoint and Azure Resource
//! Manager with one Container Apps job, whose executions are processes.
//!
//! It is as strict as Azure is: the identity's secret header, the token and its audience, the API
//! version and the start's body are checked. How starts are answered can be laid down beforehand.

mod http;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::{Value, json};

use self::http::{Answer, Call};
use crate::context::Context;

const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";
const RESOURCE_GROUP: &str = "orders group";
const JOB: &str = "orders-processor";
const API_VERSION: &str = "2025-07-01";
const IDENTITY_SECRET: &str = "identity secret";
const TOKEN: &str = "a token";
const CLIENT_ID: &str = "11111111-1111-1111-1111-111111111111";

/// A running fake.
pub struct FakeAzure(Arc<Shared>);

struct Shared {
    address: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How the next starts are answered; then as [`Start::Made`].
    starts: VecDeque<Start>,
    /// What an execution runs.
    line: Vec<OsString>,
    tokens_refused: bool,
    /// Starts that are held back until [`FakeAzure::let_go`].
    held: bool,
    posts: usize,
    under_way: usize,
    under_way_max: usize,
    executions: Vec<Execution>,
    /// How often each accepted start has been asked after.
    asked_after: usize,
}

struct Execution {
    order_id: String,
    process: Child,
}

/// How a start is answered.
#[derive(Clone, Copy, Debug)]
pub enum Start {
    /// It is made, `200`.
    Made,
    /// It is made, but first answered `202`, with a place to ask after it.
    Accepted,
    /// Not made: `429`, to be repeated after a second.
    Throttled,
    /// It is made, and the answer is lost.
    AnswerLost,
    /// Not made: `403`, as without the role.
    Forbidden,
}

impl FakeAzure {
    /// Starts one on a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let shared = Arc::new(Shared {
            address: listener.local_addr().expect("it has an address"),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let served = Arc::clone(&shared);
        // It ends with the test process; what it holds is ended by the drop below.
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let shared = Arc::clone(&served);
                thread::spawn(move || http::serve(connection, |call| shared.answer(call)));
            }
        });
        Self(shared)
    }

    /// The environment in which a container app finds its identity.
    pub fn environment(&self) -> [(&'static str, String); 3] {
        let endpoint = format!("http://{}/identity", self.0.address);
        [
            ("IDENTITY_ENDPOINT", endpoint),
            ("IDENTITY_HEADER", IDENTITY_SECRET.to_owned()),
            ("AZURE_CLIENT_ID", CLIENT_ID.to_owned()),
        ]
    }

    /// The table `[processor]` of a host whose orders are worked on in executions of the job.
    pub fn runtime_config(&self) -> String {
        format!(
            "[processor]\ntype = \"container-apps-job\"\nsubscription = \"{SUBSCRIPTION}\"\nresource_group = \"{RESOURCE_GROUP}\"\njob = \"{JOB}\"\narm_endpoint = \"http://{}\"\n",
            self.0.address
        )
    }

    /// Has executions run this command line, with the order's id in the environment.
    pub fn run(&self, line: Vec<OsString>) {
        self.state().line = line;
    }

    /// Lays down how the next starts are answered.
    pub fn answer_starts(&self, starts: impl IntoIterator<Item = Start>) {
        self.state().starts.extend(starts);
    }

    /// Accepts no token any more, or again.
    pub fn refuse_tokens(&self, refuse: bool) {
        self.state().tokens_refused = refuse;
    }

    /// Answers no start until [`let_go`](Self::let_go).
    pub fn hold_starts(&self) {
        self.state().held = true;
    }

    /// Answers the starts that were held, and those that come.
    pub fn let_go(&self) {
        self.state().held = false;
        self.0.changed.notify_all();
    }

    /// Waits until so many starts are under way at once.
    pub fn wait_for_starts_under_way(&self, count: usize) {
        self.wait("starts to be under way", |state| state.under_way >= count);
    }

    /// Waits until so many starts have been asked for, whatever became of them.
    pub fn wait_for_posts(&self, count: usize) {
        self.wait("starts to be asked for", |state| state.posts >= count);
    }

    /// How many starts have been asked for.
    pub fn posts(&self) -> usize {
        self.state().posts
    }

    /// How many starts were under way at once, at most.
    pub fn starts_under_way_max(&self) -> usize {
        self.state().under_way_max
    }

    /// How often accepted starts were asked after.
    pub fn asked_after(&self) -> usize {
        self.state().asked_after
    }

    /// The order of each execution, in the order of their starts.
    pub fn executions(&self) -> Vec<String> {
        let state = self.state();
        state
            .executions
            .iter()
            .map(|execution| execution.order_id.clone())
            .collect()
    }

    /// Waits until all executions have ended, and returns their exit codes.
    pub fn exit_codes(&self) -> Vec<Option<i32>> {
        let mut state = self.state();
        state
            .executions
            .iter_mut()
            .map(|execution| {
                // OK because it is a child of this process.
                let status = execution.process.wait().expect("it can be waited for");
                status.code()
            })
            .collect()
    }

    fn wait(&self, what: &str, is_so: impl Fn(&State) -> bool) {
        let context = Context::current();
        let mut state = self.state();
        while !is_so(&state) {
            let remaining = context.remaining(what);
            state = self
                .0
                .changed
                .wait_timeout(state, remaining)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state()
    }
}

impl Drop for FakeAzure {
    fn drop(&mut self) {
        self.let_go();
        for execution in &mut self.state().executions {
            // Neither can fail for a process that has not been waited for, and a drop must not panic.
            let _ = execution.process.kill();
            let _ = execution.process.wait();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, call: &Call) -> Answer {
        let group = RESOURCE_GROUP.replace(' ', "%20");
        let job = format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.App/jobs/{JOB}"
        );
        if call.path == "/identity" {
            return self.token(call);
        }
        let expected = format!("Bearer {TOKEN}");
        if self.state().tokens_refused || call.header("authorization") != Some(&expected) {
            return error(401, "InvalidAuthenticationToken", "The token is not valid.");
        }
        if call.query("api-version").as_deref() != Some(API_VERSION) {
            return error(
                400,
                "MissingApiVersionParameter",
                "There is no such version.",
            );
        }
        match (call.method.as_str(), call.path.strip_prefix(&job)) {
            ("GET", Some("")) => Answer::json(
                200,
                &json!({"name": JOB, "properties": {
                    "provisioningState": "Succeeded",
                    "configuration": {"triggerType": "Manual", "replicaTimeout": 1800},
                    "template": template(),
                }}),
            ),
            ("POST", Some("/start")) => self.start(call),
            ("GET", Some("/operation")) => self.operation(),
            _ => error(404, "ResourceNotFound", "There is no such resource."),
        }
    }

    /// As App Service and Container Apps give tokens.
    fn token(&self, call: &Call) -> Answer {
        if call.header("x-identity-header") != Some(IDENTITY_SECRET) {
            return error(401, "Unauthorized", "The secret header is wrong.");
        }
        let resource = format!("http://{}", self.address);
        let asked = call.query("resource").unwrap_or_default();
        if asked.trim_end_matches('/') != resource
            || call.query("api-version").as_deref() != Some("2019-08-01")
            || call.query("client_id").as_deref() != Some(CLIENT_ID)
        {
            return error(400, "BadRequest", "There is no such identity or resource.");
        }
        Answer::json(
            200,
            &json!({
                "access_token": TOKEN,
                "expires_on": "4102444800",
                "resource": asked,
                "token_type": "Bearer",
                "client_id": CLIENT_ID,
            }),
        )
    }

    fn start(&self, call: &Call) -> Answer {
        let kind = {
            let mut state = self.state();
            state.posts += 1;
            state.under_way += 1;
            state.under_way_max = state.under_way_max.max(state.under_way);
            self.changed.notify_all();
            while state.held {
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            state.under_way -= 1;
            state.starts.pop_front().unwrap_or(Start::Made)
        };
        match kind {
            Start::Throttled => {
                let answer = error(429, "TooManyRequests", "The rate of writes is exceeded.");
                return answer.with("retry-after", "1");
            }
            Start::Forbidden => {
                return error(403, "AuthorizationFailed", "The client may not start jobs.");
            }
            Start::Made | Start::Accepted | Start::AnswerLost => {}
        }
        let Some(order_id) = order_in(&call.body) else {
            return error(
                400,
                "InvalidRequestContent",
                "The template is not the job's.",
            );
        };
        self.execute(order_id);
        match kind {
            Start::AnswerLost => Answer::none(),
            Start::Accepted => {
                let place = format!(
                    "{}?api-version={API_VERSION}",
                    call.path.replace("/start", "/operation")
                );
                let place = format!("http://{}{place}", self.address);
                Answer::json(202, &json!({}))
                    .with("location", &place)
                    .with("retry-after", "1")
            }
            _ => execution(),
        }
    }

    /// Not ready when it is asked after for the first time.
    fn operation(&self) -> Answer {
        let mut state = self.state();
        state.asked_after += 1;
        if state.asked_after == 1 {
            return Answer::json(202, &json!({})).with("retry-after", "1");
        }
        execution()
    }

    fn execute(&self, order_id: String) {
        let mut state = self.state();
        let (program, arguments) = state.line.split_first().expect("a command line was given");
        let process = Command::new(program)
            .args(arguments)
            .env("ORDER_ID", &order_id)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the host was found before the first test");
        state.executions.push(Execution { order_id, process });
        self.changed.notify_all();
    }
}

/// The job's template.
fn template() -> Value {
    let mut template = execution_template();
    template["containers"][0]["volumeMounts"] =
        json!([{"volumeName": "config", "mountPath": "/config"}]);
    template["volumes"] = json!([{"name": "config", "storageType": "Secret"}]);
    template
}

/// The part of it that a start's body must bring back as it is, and without anything else.
fn execution_template() -> Value {
    json!({
        "containers": [{
            "name": "processor",
            "image": "registry.example.com/orders:1",
            "command": ["/wasm-shim", "job"],
            "env": [
                {"name": "RUNTIME_CONFIG_FILE", "value": "/config/runtime-config.toml"},
                {"name": "SPIN_VARIABLE_API_TOKENS", "secretRef": "tokens"},
            ],
            "resources": {"cpu": 0.5, "memory": "1Gi"},
        }],
        "initContainers": [],
    })
}

/// The order that a start's body names, if the body is otherwise the job's template.
fn order_in(body: &[u8]) -> Option<String> {
    let mut body: Value = serde_json::from_slice(body).ok()?;
    let env = body.pointer_mut("/containers/0/env")?.as_array_mut()?;
    let order = env.pop()?;
    (body == execution_template() && order["name"] == "ORDER_ID")
        .then(|| order["value"].as_str().map(str::to_owned))?
}

fn execution() -> Answer {
    Answer::json(
        200,
        &json!({"name": format!("{JOB}-abc123"), "id": "/subscriptions"}),
    )
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    Answer::json(
        status,
        &json!({"error": {"code": code, "message": message}}),
    )
}
