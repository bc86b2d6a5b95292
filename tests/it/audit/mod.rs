//! `fprecon audit` with the real binary, against a real sandbox over HTTP: a clean account has no
//! differences, what is planted is found, by its kind, with nothing else beside it; and what is made of it
//! can be read, shared and trusted.

#![cfg(feature = "polars")]
mod attributed;
mod cases;
mod days;
mod doubts;
mod facts;
mod fetching;
mod kinds;
mod later;
mod left_out;
mod lists;
mod paper;
mod past;
mod payouts;
mod report;
mod reversals;
mod rules;
mod served;
mod shares;
mod theirs;
mod unearned;
mod unknown;
mod walk;
mod warned;
mod world;
