//! What a server would lose of what it has acknowledged: its own settings decide, so a start
//! looks at them and says what they mean.

use super::connection::Connection;
use ::redis::{InfoDict, RedisError, cmd};
use std::collections::HashMap;

/// Logs what may be lost, and when. Servers that do not tell are not warned of.
pub(super) async fn warn_of_losses(connection: &Connection) {
    match losses(connection).await {
        Ok(losses) => {
            for loss in losses {
                tracing::warn!(store = &**connection.name(), "{loss}");
            }
        }
        Err(error) => tracing::debug!(
            store = &**connection.name(),
            error = error.to_string(),
            "the server does not tell its settings"
        ),
    }
}

async fn losses(connection: &Connection) -> Result<Vec<&'static str>, RedisError> {
    let mut connection = connection.clone();
    let info: InfoDict = cmd("INFO").query_async(&mut connection).await?;
    let mut losses = Vec::new();
    if info.get::<u8>("aof_enabled") == Some(0) {
        losses.push(
            "a crash of the server loses accepted orders, as it keeps no log; set `appendonly yes` and `appendfsync always`",
        );
    } else if appendfsync(&mut connection)
        .await
        .is_some_and(|value| value != "always")
    {
        losses.push(
            "a crash of the server loses what it accepted in the last second or more; set `appendfsync always`",
        );
    }
    let bounded = info.get::<u64>("maxmemory").is_some_and(|bytes| bytes > 0);
    let policy = info.get::<String>("maxmemory_policy");
    if bounded && policy.is_some_and(|policy| policy != "noeviction") {
        losses.push(
            "the server forgets accepted orders when its memory is full; set `maxmemory-policy noeviction`",
        );
    }
    Ok(losses)
}

/// Managed servers forbid the question; then nobody knows.
async fn appendfsync(connection: &mut Connection) -> Option<String> {
    let mut ask = cmd("CONFIG");
    ask.arg("GET").arg("appendfsync");
    let settings: HashMap<String, String> = ask.query_async(connection).await.ok()?;
    settings.get("appendfsync").cloned()
}
