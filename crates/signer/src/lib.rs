//! What is asked of the key process, how it answers, and how the two travel.
//!
//! **In scope**: orders and answers, administrative messages, frames (a fixed binary layout with a version byte),
//! the [`Signer`] trait and the client that speaks to the key process over a Unix socket, and the platform as the key
//! process tells of it ([`Platform`]), which whoever is told replays for themselves.
//!
//! **Out of scope**: checking an order (that is `signerd`), private keys.
//!
//! An order carries no bytes to sign: the key process composes them from the request and the item, with the same
//! pure functions as whoever ordered.

mod admin;
mod agreement;
mod answer;
mod client;
mod frame;
mod order;
mod platform;
mod signer;
mod wire;
pub mod witnessing;

pub use admin::{AdminAnswer, AdminMessage};
pub use agreement::Agreement;
pub use answer::{Answer, Answers, Certified, JournalProof, Refusal, RefusalCode, Signed, State, TufVersion};
pub use client::{AdminClient, CREDENTIAL_BYTES, Client, WitnessClient, credential_file};
pub use frame::{Announced, FRAME_BYTES_MAX, Frame, FrameError};
pub use order::{
    CheckpointOrder, Head, HolderOrder, HolderStep, Imprint, Order, Orders, PromiseOrder, RecallOrder,
    SignOrder, TimestampOrder, TufOrder,
};
pub use platform::{Chain, Platform, PlatformError};
pub use signer::{Signer, SignerError};
pub use witnessing::{Anchor, Occasion, Offer, WitnessAnswer, WitnessMessage};
