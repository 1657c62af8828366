//! How dispatched orders are run: the table `[processor]` of the runtime configuration.

use super::Fault;
use reqwest::Url;
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;

/// Azure's own, unless another cloud is named.
const ARM_ENDPOINT: &str = "https://management.azure.com";

/// How dispatched orders are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Processor {
    /// How many dispatches are seen to at once; more wait in the queue.
    pub max_concurrent: usize,
    /// How many dispatches may wait. Beyond it they are refused, and the order waits for a sweep.
    pub queue: usize,
    /// How long a stop waits for requests and running attempts before it hands attempts back.
    pub drain: Duration,
    /// Where attempts are made.
    pub runs: Runs,
}

/// Where attempts are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runs {
    /// In this process.
    InProcess {
        /// How many attempts share an instance. Sharing is what makes waiting orders cheap; the
        /// price is that a trap takes its instance's other attempts along.
        max_concurrent_per_instance: usize,
    },
    /// Each in an execution of a job of Azure Container Apps.
    ContainerAppsJob(Job),
}

/// A job of Azure Container Apps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The subscription's id.
    pub subscription: String,
    /// The resource group's name.
    pub resource_group: String,
    /// The job's name.
    pub name: String,
    /// The client id of the user-assigned identity that starts executions; none: the one that the
    /// environment names, or the system's.
    pub client_id: Option<String>,
    /// Where Azure Resource Manager is.
    pub arm_endpoint: Url,
}

impl Default for Processor {
    fn default() -> Self {
        Self {
            max_concurrent: 1024,
            queue: 100_000,
            drain: Duration::from_secs(20),
            runs: Runs::InProcess {
                max_concurrent_per_instance: PER_INSTANCE,
            },
        }
    }
}

/// As in Spin.
const PER_INSTANCE: usize = 16;

/// Starts at once: what Azure lets one identity do in a second once its burst is used up.
const STARTS: usize = 10;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
enum Table {
    InProcess {
        max_concurrent: Option<usize>,
        max_concurrent_per_instance: Option<usize>,
        queue: Option<usize>,
        drain_seconds: Option<u64>,
    },
    ContainerAppsJob {
        subscription: String,
        resource_group: String,
        job: String,
        client_id: Option<String>,
        arm_endpoint: Option<String>,
        max_concurrent: Option<usize>,
        queue: Option<usize>,
        drain_seconds: Option<u64>,
    },
}

impl Processor {
    /// How many attempts may run in this process at once.
    pub fn attempts_max(&self) -> usize {
        match self.runs {
            Runs::InProcess { .. } => self.max_concurrent,
            Runs::ContainerAppsJob(_) => 0,
        }
    }

    /// How many requests to the component that works on orders share an instance of it.
    pub fn per_instance(&self) -> usize {
        match self.runs {
            Runs::InProcess {
                max_concurrent_per_instance,
            } => max_concurrent_per_instance,
            Runs::ContainerAppsJob(_) => PER_INSTANCE,
        }
    }

    /// Reads the table; what is wrong with it becomes faults of the file at `path`.
    pub(super) fn read(table: toml::Table, path: &Path, faults: &mut Vec<Fault>) -> Self {
        let mut check = Check { path, faults };
        match table.try_into() {
            Ok(table) => check.processor(table),
            Err(error) => {
                check.fault(&format!(
                    "has a [processor] that this host does not know: {}; correct it",
                    toml::de::Error::message(&error)
                ));
                Self::default()
            }
        }
    }
}

/// Collects the faults of one file.
struct Check<'a> {
    path: &'a Path,
    faults: &'a mut Vec<Fault>,
}

impl Check<'_> {
    fn processor(&mut self, table: Table) -> Processor {
        let default = Processor::default();
        let drain = |seconds: Option<u64>| seconds.map_or(default.drain, Duration::from_secs);
        match table {
            Table::InProcess {
                max_concurrent,
                max_concurrent_per_instance,
                queue,
                drain_seconds,
            } => Processor {
                max_concurrent: self.count(
                    "max_concurrent",
                    max_concurrent,
                    default.max_concurrent,
                ),
                queue: self.count("queue", queue, default.queue),
                drain: drain(drain_seconds),
                runs: Runs::InProcess {
                    max_concurrent_per_instance: self.count(
                        "max_concurrent_per_instance",
                        max_concurrent_per_instance,
                        PER_INSTANCE,
                    ),
                },
            },
            Table::ContainerAppsJob {
                subscription,
                resource_group,
                job,
                client_id,
                arm_endpoint,
                max_concurrent,
                queue,
                drain_seconds,
            } => Processor {
                max_concurrent: self.count("max_concurrent", max_concurrent, STARTS),
                queue: self.count("queue", queue, default.queue),
                drain: drain(drain_seconds),
                runs: Runs::ContainerAppsJob(Job {
                    subscription: self.name("subscription", subscription),
                    resource_group: self.name("resource_group", resource_group),
                    name: self.name("job", job),
                    client_id,
                    arm_endpoint: self.endpoint(arm_endpoint.as_deref().unwrap_or(ARM_ENDPOINT)),
                }),
            },
        }
    }

    fn count(&mut self, name: &str, value: Option<usize>, default: usize) -> usize {
        if value == Some(0) {
            self.fault(&format!(
                "has `{name} = 0` in [processor]; set it to 1 or more"
            ));
        }
        value.unwrap_or(default)
    }

    fn name(&mut self, name: &str, value: String) -> String {
        if value.is_empty() {
            self.fault(&format!("has an empty `{name}` in [processor]; give it"));
        }
        value
    }

    /// A token is sent there: never in the clear, unless it stays on this machine.
    fn endpoint(&mut self, text: &str) -> Url {
        let on_this_machine = |url: &Url| {
            url.host_str()
                .is_some_and(|host| matches!(host, "127.0.0.1" | "localhost" | "[::1]"))
        };
        match Url::parse(text) {
            Ok(url) if url.scheme() == "https" || on_this_machine(&url) => url,
            _ => {
                self.fault(&format!(
                    "has the `arm_endpoint` `{text}` in [processor], which is no https URL; leave it out, or name that of your cloud"
                ));
                // OK because it is a constant; and nothing starts with a fault.
                Url::parse(ARM_ENDPOINT).expect("the default is a URL")
            }
        }
    }

    fn fault(&mut self, sentence: &str) {
        self.faults
            .push(Fault::new(format!("`{}` {sentence}", self.path.display())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> (Processor, Vec<String>) {
        let mut faults = Vec::new();
        let table = toml.parse().expect("is TOML");
        let processor = Processor::read(table, Path::new("c.toml"), &mut faults);
        let faults = faults.iter().map(ToString::to_string).collect();
        (processor, faults)
    }

    #[test]
    fn a_job_needs_its_place_and_nothing_else() {
        let (processor, faults) = read(
            "type = \"container-apps-job\"\nsubscription = \"s\"\nresource_group = \"g\"\njob = \"j\"",
        );
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(processor.max_concurrent, STARTS);
        let Runs::ContainerAppsJob(job) = processor.runs else {
            panic!("expected a job, found {:?}", processor.runs);
        };
        assert_eq!(job.arm_endpoint.as_str(), "https://management.azure.com/");
    }

    #[test]
    fn what_is_not_of_the_type_is_refused() {
        for toml in [
            "type = \"in-process\"\njob = \"j\"",
            "type = \"container-apps-job\"\nsubscription = \"s\"\nresource_group = \"g\"",
            "type = \"lambda\"",
            "max_concurrent = 3",
        ] {
            let (_, faults) = read(toml);
            assert_eq!(faults.len(), 1, "`{toml}`: {faults:?}");
        }
    }

    #[test]
    fn a_token_is_not_sent_in_the_clear() {
        let job = "type = \"container-apps-job\"\nsubscription = \"s\"\nresource_group = \"g\"\njob = \"j\"\n";
        let with = |endpoint: &str| read(&format!("{job}arm_endpoint = \"{endpoint}\"")).1;
        assert!(with("https://management.chinacloudapi.cn").is_empty());
        assert!(with("http://127.0.0.1:1").is_empty());
        assert_eq!(with("http://example.com").len(), 1);
        assert_eq!(with("management.azure.com").len(), 1);
    }
}
