//! The arguments of the sandbox.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct SandboxArguments {
    /// Where to listen; port 0 takes any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Promoters, rates, plans and leads to start with: TOML, or a CSV of leads; can be repeated
    /// [default: a built-in set]
    #[arg(long, value_name = "FILE")]
    pub(crate) start: Vec<PathBuf>,
    /// Keep the state in this file, and continue from it
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Percentage of customers who are leads, besides the declared ones [default: 75, or what
    /// the start files say]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(..=100))]
    pub(crate) lead_share: Option<u8>,
    /// Answer 429 to more than this many requests in a minute; the API takes 400
    #[arg(long, value_name = "N")]
    pub(crate) requests_per_minute: Option<u32>,
    /// Accept only the API key in this file
    #[arg(long, value_name = "FILE")]
    pub(crate) require_key: Option<PathBuf>,
    /// Simulate the newer generation of v1, which deduplicates cancellations by `event_id`
    #[arg(long)]
    pub(crate) cancellation_event_id: bool,
    /// Delay every answer by this time
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) latency_ms: u64,
    /// Delay it by up to this much longer, at random
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) latency_spread_ms: u64,
    /// Delay the slowest answers by this much more
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) latency_tail_ms: u64,
    /// Percentage of answers that are the slowest
    #[arg(long, value_name = "PERCENT", default_value_t = 1, value_parser = clap::value_parser!(u8).range(..=100))]
    pub(crate) latency_tail_percent: u8,
    /// Inject a fault: `reset,after_effect`, `status,status=503,percent=2`; can be repeated
    /// (docs/sandbox.md lists them; POST /sandbox/faults adds more later)
    #[arg(long = "fault", value_name = "ACTION[,NAME=VALUE...]")]
    pub(crate) faults: Vec<String>,
    /// Seed for random faults: the same seed gives the same faults
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Number of requests that the log of arrivals keeps
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub(crate) arrivals_kept: usize,
}
