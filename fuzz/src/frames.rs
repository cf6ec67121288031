//! The room `signer`: frames between the engine and the key process.

use signer::{Frame, Order};

use crate::Reading::{self, Taken};
/// A frame, as it stands and behind its length: one layout, and nothing is believed about a length.
pub fn frame(bytes: &[u8]) -> Reading {
    let streamed = Frame::read(&mut &*bytes);
    let Ok(frame) = Frame::decode(bytes) else { return Reading::of(&streamed) };
    assert_eq!(frame.encode(), bytes, "a frame is read from its one layout alone");
    let mut stream = Vec::new();
    frame.write(&mut stream).expect("what was read can be sent");
    assert_eq!(Frame::read(&mut stream.as_slice()).expect("our own frame"), frame);
    if let Frame::Orders(orders) = frame {
        for order in &orders.orders {
            match order {
                Order::Timestamp(order) => drop(order.digest()),
                Order::Checkpoint(order) => drop(order.digest()),
                _ => (),
            }
        }
    }
    Taken
}
