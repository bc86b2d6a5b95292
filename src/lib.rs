//! Reconciles billing exports with the FirstPromoter Tracking API.
//!
//! Data goes one way: `export` → `classify` → `link` → `plan` → `journal` → `send` → `journal` →
//! `report`. `ARCHITECTURE.md` has the map.

pub mod event;
