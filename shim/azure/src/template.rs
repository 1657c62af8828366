//! A job's template, as far as a start's body needs it.

use serde_json::{Map, Value, json};

/// What each execution runs: the containers of the job.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Template(Map<String, Value>);

/// What a start's body may hold of a template (`JobExecutionTemplate`).
const MEMBERS: [&str; 2] = ["containers", "initContainers"];

/// What it may hold of a container (`JobExecutionContainer`): neither probes nor volumes.
const CONTAINER_MEMBERS: [&str; 6] = ["args", "command", "env", "image", "name", "resources"];

impl Template {
    /// The template in the answer to a GET of a job; none without containers.
    pub(super) fn of(mut job: Value) -> Option<Self> {
        let all = job.pointer_mut("/properties/template")?.as_object_mut()?;
        let mut template = Map::new();
        for member in MEMBERS {
            if let Some(Value::Array(mut containers)) = all.remove(member) {
                for container in &mut containers {
                    let container = container.as_object_mut()?;
                    container.retain(|name, _| CONTAINER_MEMBERS.contains(&name.as_str()));
                }
                template.insert(member.to_owned(), containers.into());
            }
        }
        let containers = template.get("containers")?.as_array()?;
        (!containers.is_empty()).then_some(Self(template))
    }

    /// The body of a start whose containers have `variable` in their environment.
    pub(super) fn with_variable(mut self, variable: &str, value: &str) -> Value {
        let containers = self.0.get_mut("containers").and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            let env = &mut container["env"];
            if !env.is_array() {
                *env = json!([]);
            }
            if let Some(env) = env.as_array_mut() {
                env.retain(|entry| entry["name"] != variable);
                env.push(json!({"name": variable, "value": value}));
            }
        }
        Value::Object(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_sends_the_template_back_with_the_variable_in_it() {
        let job = json!({"properties": {
            "configuration": {"triggerType": "Manual"},
            "template": {
                "containers": [
                    {"name": "a", "image": "i", "env": [{"name": "X", "secretRef": "s"}], "resources": {"cpu": 0.5}, "volumeMounts": [{"volumeName": "v"}]},
                    {"name": "b", "image": "i", "probes": []},
                ],
                "initContainers": null,
                "volumes": [{"name": "v"}],
            },
        }});
        let template = Template::of(job).expect("it has containers");
        let order = json!({"name": "ORDER_ID", "value": "o1"});
        assert_eq!(
            template.with_variable("ORDER_ID", "o1"),
            json!({"containers": [
                {"name": "a", "image": "i", "env": [{"name": "X", "secretRef": "s"}, order], "resources": {"cpu": 0.5}},
                {"name": "b", "image": "i", "env": [order]},
            ]})
        );
    }

    #[test]
    fn an_answer_without_containers_is_no_job() {
        for answer in [
            json!(null),
            json!([]),
            json!({"properties": {"template": {}}}),
            json!({"properties": {"template": {"containers": []}}}),
        ] {
            assert_eq!(Template::of(answer.clone()), None, "{answer}");
        }
    }
}
