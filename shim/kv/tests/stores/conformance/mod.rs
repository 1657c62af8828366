//! What holds of every back end: a module for each kind of call, a function for each promise, whose
//! name is the sentence.

pub(crate) mod batches;
pub(crate) mod increments;
pub(crate) mod listings;
pub(crate) mod swaps;
pub(crate) mod values;

use futures::TryStreamExt;
use kv::{Error, Store, SwapOutcome};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Makes a test module of the whole suite for the fixture `$fixture`.
macro_rules! suite {
    ($module:ident, $fixture:ty) => {
        mod $module {
            $crate::conformance::suite!(@kinds $fixture,
                values {
                    a_value_is_read_back,
                    an_absent_key_has_no_value,
                    a_set_replaces_the_value,
                    a_delete_removes_the_key_and_may_be_repeated,
                    labels_share_nothing,
                    values_are_any_bytes,
                    an_empty_value_is_not_absence,
                    keys_are_told_apart_byte_by_byte,
                    keys_outside_the_limits_are_refused_everywhere,
                    values_up_to_the_limit_are_taken_and_larger_ones_refused,
                    a_dropped_write_does_not_harm_the_next,
                }
                batches {
                    get_many_answers_in_the_order_asked,
                    set_many_writes_all_and_of_a_repeated_key_the_last,
                    a_refused_set_many_writes_nothing,
                    delete_many_removes_all_that_are_there,
                    batches_of_nothing_do_nothing,
                }
                listings {
                    a_listing_of_nothing_is_empty,
                    a_listing_is_complete_in_bounded_batches,
                    a_listing_has_every_lasting_key_while_others_come_and_go,
                    a_listing_left_lying_blocks_nobody,
                    keys_after_one_come_in_the_order_of_their_bytes,
                    keys_after_the_last_are_none_and_after_nothing_all,
                    keys_after_one_are_those_of_its_label,
                    keys_after_one_that_is_gone_go_on_where_it_was,
                    keys_before_one_come_last_first,
                    pages_of_keys_have_each_lasting_key_once_while_others_come_and_go,
                }
                increments {
                    an_increment_starts_at_zero,
                    an_increment_may_be_negative,
                    concurrent_increments_all_count,
                    an_increment_of_something_else_is_refused_and_harms_nothing,
                    an_increment_past_the_range_is_refused,
                    a_refused_write_does_not_harm_its_neighbours,
                }
                swaps {
                    a_swap_replaces_what_was_expected,
                    a_swap_leaves_what_was_not_expected,
                    a_swap_of_nothing_creates_only_where_nothing_is,
                    a_swap_of_something_does_not_create,
                    of_racing_creators_exactly_one_wins,
                    racing_swappers_lose_no_update,
                }
            );
        }
    };
    (@kinds $fixture:ty, $($kind:ident $promises:tt)*) => {
        $(
            mod $kind {
                $crate::conformance::suite!(@promises $fixture, $kind $promises);
            }
        )*
    };
    (@promises $fixture:ty, $kind:ident { $($promise:ident,)* }) => {
        use $crate::fixture::{self, Fixture};

        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                if let Some(why) = <$fixture>::absent() {
                    $crate::conformance::skip(module_path!(), stringify!($promise), &why);
                    return;
                }
                let fixture = <$fixture>::new();
                $crate::conformance::$kind::$promise(fixture.open().await).await;
            }
        )*
    };
}
pub(crate) use suite;

/// Says which test is skipped and why, even where the harness captures what tests print.
pub(crate) fn skip(module: &str, promise: &str, why: &str) {
    let line = format!("skipped {module}::{promise}: {why}\n");
    std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes())
        .expect("standard error takes a line");
}

/// How many tasks race in the tests of races.
const RACERS: u8 = 64;

/// Runs `racer` in [`RACERS`] tasks at once, and returns what each returned.
async fn race<T, F>(store: &Arc<dyn Store>, racer: impl Fn(Arc<dyn Store>, u8) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let racers: JoinSet<_> = (0..RACERS).map(|n| racer(store.clone(), n)).collect();
    let outcomes: Result<_, Error> = racers.join_all().await.into_iter().collect();
    outcomes.expect("the store fails nobody")
}

/// Swaps key `a`.
async fn swap(store: &Arc<dyn Store>, expected: Option<&str>, value: &str) -> SwapOutcome {
    let expected = expected.map(str::as_bytes);
    let swap = store.compare_and_swap("a", expected, value.into()).await;
    swap.expect("the store fails nobody")
}

/// Every key of `store`, each once.
async fn sorted_keys(store: &Arc<dyn Store>) -> Vec<String> {
    let batches: Result<Vec<_>, _> = store.keys().try_collect().await;
    let keys: BTreeSet<String> = batches
        .expect("the listing succeeds")
        .into_iter()
        .flatten()
        .collect();
    keys.into_iter().collect()
}

fn strings<const N: usize>(keys: [&str; N]) -> Vec<String> {
    keys.map(str::to_owned).into()
}
