//! How dispatched orders are run: the table `[processor]` of the runtime configuration.

use crate::fault::Fault;
use azure::{ArmEndpoint, JobSettings};
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;

/// How dispatched orders are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessorConfig {
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
    ContainerAppsJob(JobSettings),
}

impl Default for ProcessorConfig {
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

impl ProcessorConfig {
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
    fn processor(&mut self, table: Table) -> ProcessorConfig {
        let default = ProcessorConfig::default();
        let drain = |seconds: Option<u64>| seconds.map_or(default.drain, Duration::from_secs);
        match table {
            Table::InProcess {
                max_concurrent,
                max_concurrent_per_instance,
                queue,
                drain_seconds,
            } => ProcessorConfig {
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
            } => ProcessorConfig {
                max_concurrent: self.count("max_concurrent", max_concurrent, STARTS),
                queue: self.count("queue", queue, default.queue),
                drain: drain(drain_seconds),
                runs: Runs::ContainerAppsJob(JobSettings {
                    subscription: self.name("subscription", subscription),
                    resource_group: self.name("resource_group", resource_group),
                    name: self.name("job", job),
                    client_id,
                    arm_endpoint: arm_endpoint
                        .map(|text| self.endpoint(&text))
                        .unwrap_or_default(),
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

    fn endpoint(&mut self, text: &str) -> ArmEndpoint {
        ArmEndpoint::parse(text).unwrap_or_else(|| {
            self.fault(&format!(
                "has the `arm_endpoint` `{text}` in [processor], which is no https URL; leave it out, or name that of your cloud"
            ));
            // Nothing starts with a fault.
            ArmEndpoint::default()
        })
    }

    fn fault(&mut self, sentence: &str) {
        self.faults
            .push(Fault::new(format!("`{}` {sentence}", self.path.display())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> (ProcessorConfig, Vec<String>) {
        let mut faults = Vec::new();
        let table = toml.parse().expect("is TOML");
        let processor = ProcessorConfig::read(table, Path::new("c.toml"), &mut faults);
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
        assert_eq!(
            job.arm_endpoint.to_string(),
            "https://management.azure.com/"
        );
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
