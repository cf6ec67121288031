//! Orders.

use model::KeyId;
use model::layout::{LayoutError, Reader, Writer};
use model::limits;

use super::{ORDERS_MAX, PROOF_MAX};
use crate::{
    CheckpointOrder, Head, HolderOrder, HolderStep, Imprint, Order, Orders, PromiseOrder, RecallOrder,
    SignOrder, TimestampOrder, TufOrder,
};

/// The content octets of the longest nonce.
const NONCE_BYTES_MAX: usize = 32;

pub(crate) fn put_orders(writer: &mut Writer, orders: &Orders) {
    put_head(writer, &orders.ledger);
    writer.list(&orders.orders, put_order);
}

pub(crate) fn take_orders(reader: &mut Reader<'_>) -> Result<Orders, LayoutError> {
    Ok(Orders { ledger: take_head(reader)?, orders: reader.list("orders", ORDERS_MAX, take_order)? })
}

pub(crate) fn put_head(writer: &mut Writer, head: &Head) {
    writer.long(head.size).digest(&head.root);
}

pub(crate) fn take_head(reader: &mut Reader<'_>) -> Result<Head, LayoutError> {
    Ok(Head { size: reader.long("head.size")?, root: reader.digest("head.root")? })
}

fn put_order(writer: &mut Writer, order: &Order) {
    match order {
        Order::Sign(order) => put_sign(writer.byte(1), order),
        Order::Timestamp(order) => put_timestamp(writer.byte(2), order),
        Order::Checkpoint(order) => put_checkpoint(writer.byte(3), order),
        Order::Holder(order) => put_holder(writer.byte(4), order),
        Order::Promise(order) => put_promise(writer.byte(6), order),
        Order::Recall(order) => put_recall(writer.byte(5), order),
        Order::Tuf(order) => put_tuf(writer.byte(7), order),
    }
}

fn take_order(reader: &mut Reader<'_>) -> Result<Order, LayoutError> {
    match reader.byte("order.kind")? {
        1 => take_sign(reader).map(Order::Sign),
        2 => take_timestamp(reader).map(Order::Timestamp),
        3 => take_checkpoint(reader).map(Order::Checkpoint),
        4 => take_holder(reader).map(Order::Holder),
        6 => take_promise(reader).map(Order::Promise),
        5 => take_recall(reader).map(Order::Recall),
        7 => take_tuf(reader).map(Order::Tuf),
        _ => Err(LayoutError::Value { field: "order.kind" }),
    }
}

/// A TUF order's layout, which is also the preimage of its digest.
pub(crate) fn put_tuf(writer: &mut Writer, order: &TufOrder) {
    writer.digest(order.key.digest()).long(order.version);
}

fn take_tuf(reader: &mut Reader<'_>) -> Result<TufOrder, LayoutError> {
    Ok(TufOrder { key: KeyId::new(reader.digest("key")?), version: reader.long("version")? })
}

fn put_sign(writer: &mut Writer, order: &SignOrder) {
    writer.bytes(&order.request).bytes(&order.item).list(&order.path, |writer, hash| {
        writer.digest(hash);
    });
    writer.list(&order.endorsements, |writer, endorsement| {
        writer.bytes(endorsement);
    });
}

fn take_sign(reader: &mut Reader<'_>) -> Result<SignOrder, LayoutError> {
    Ok(SignOrder {
        request: reader.bytes("request", limits::REQUEST_BYTES_MAX)?.to_vec(),
        item: reader.bytes("item", limits::ITEM_BYTES_MAX)?.to_vec(),
        path: reader.list("path", PROOF_MAX, |reader| reader.digest("path"))?,
        endorsements: reader.list("endorsements", limits::ENDORSEMENTS_MAX, |reader| {
            reader.bytes("endorsement", limits::ENDORSEMENT_BYTES_MAX).map(<[u8]>::to_vec)
        })?,
    })
}

/// A promise order's layout, which is also the preimage of its digest.
pub(crate) fn put_promise(writer: &mut Writer, order: &PromiseOrder) {
    writer.digest(order.key.digest()).bytes(&order.body).long(order.index);
    put_head(writer, &order.head);
    writer.list(&order.path, |writer, hash| {
        writer.digest(hash);
    });
}

fn take_promise(reader: &mut Reader<'_>) -> Result<PromiseOrder, LayoutError> {
    Ok(PromiseOrder {
        key: KeyId::new(reader.digest("key")?),
        body: reader.bytes("body", limits::LOG_ENTRY_BYTES_MAX)?.to_vec(),
        index: reader.long("index")?,
        head: take_head(reader)?,
        path: reader.list("path", PROOF_MAX, |reader| reader.digest("path"))?,
    })
}

/// A timestamp order's layout, which is also the preimage of its digest.
pub(crate) fn put_timestamp(writer: &mut Writer, order: &TimestampOrder) {
    writer.digest(order.key.digest());
    match &order.imprint {
        Imprint::Sha256(imprint) => writer.byte(1).fixed(imprint),
        Imprint::Sha384(imprint) => writer.byte(2).fixed(imprint),
        Imprint::Sha512(imprint) => writer.byte(3).fixed(imprint),
    };
    writer.option(order.nonce.as_ref(), |writer, nonce| {
        writer.bytes(nonce);
    });
}

fn take_timestamp(reader: &mut Reader<'_>) -> Result<TimestampOrder, LayoutError> {
    let key = KeyId::new(reader.digest("key")?);
    let imprint = match reader.byte("imprint.kind")? {
        1 => Imprint::Sha256(reader.array("imprint")?),
        2 => Imprint::Sha384(reader.array("imprint")?),
        3 => Imprint::Sha512(reader.array("imprint")?),
        _ => return Err(LayoutError::Value { field: "imprint.kind" }),
    };
    let nonce =
        reader.option("nonce", |reader| reader.bytes("nonce", NONCE_BYTES_MAX).map(<[u8]>::to_vec))?;
    Ok(TimestampOrder { key, imprint, nonce })
}

/// A checkpoint order's layout, which is also the preimage of its digest.
pub(crate) fn put_checkpoint(writer: &mut Writer, order: &CheckpointOrder) {
    writer.digest(order.key.digest());
    put_head(writer, &order.old);
    put_head(writer, &order.new);
    writer.list(&order.proof, |writer, hash| {
        writer.digest(hash);
    });
}

fn take_checkpoint(reader: &mut Reader<'_>) -> Result<CheckpointOrder, LayoutError> {
    Ok(CheckpointOrder {
        key: KeyId::new(reader.digest("key")?),
        old: take_head(reader)?,
        new: take_head(reader)?,
        proof: reader.list("proof", PROOF_MAX, |reader| reader.digest("proof"))?,
    })
}

fn put_holder(writer: &mut Writer, order: &HolderOrder) {
    writer.digest(order.authority.digest()).bytes(&order.token).bytes(&order.public_key);
    match &order.step {
        HolderStep::Precertificate => writer.byte(0),
        HolderStep::Timestamp { log, leaf } => writer.byte(1).digest(log.digest()).long(*leaf),
        HolderStep::Certificate { log, leaf } => writer.byte(2).digest(log.digest()).long(*leaf),
    };
}

fn take_holder(reader: &mut Reader<'_>) -> Result<HolderOrder, LayoutError> {
    let authority = KeyId::new(reader.digest("authority")?);
    let token = reader.bytes("token", limits::ID_TOKEN_BYTES_MAX)?.to_vec();
    let public_key = reader.bytes("public key", limits::SPKI_BYTES_MAX)?.to_vec();
    let step = match reader.byte("step")? {
        0 => HolderStep::Precertificate,
        kind @ (1 | 2) => {
            let (log, leaf) = (KeyId::new(reader.digest("log")?), reader.long("leaf")?);
            if kind == 1 {
                HolderStep::Timestamp { log, leaf }
            } else {
                HolderStep::Certificate { log, leaf }
            }
        }
        _ => return Err(LayoutError::Value { field: "step" }),
    };
    Ok(HolderOrder { authority, token, public_key, step })
}

fn put_recall(writer: &mut Writer, order: &RecallOrder) {
    writer.digest(&order.request).word(order.item);
}

fn take_recall(reader: &mut Reader<'_>) -> Result<RecallOrder, LayoutError> {
    Ok(RecallOrder { request: reader.digest("request")?, item: reader.word("item")? })
}
