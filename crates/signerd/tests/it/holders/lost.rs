//! Tokens over the loss of what was known of them.

use std::sync::Arc;

use model::{Algorithm, Disk};
use quorum::{Change, IdentityProof, KeyState};
use signer::{AdminAnswer, HolderStep, RefusalCode};
use signerd::{RESTORED, Restored, inspect};
use testkit::{Key, MemoryDisk};

use super::World;
use crate::adoption::{NEXT_ORIGIN, adoption, copy, next_log, retired};
use crate::world::{self, MINUTE, Platform};

/// The state of before a token was used is put back, and adopted.
fn restored_and_adopted(mut world: World, backup: &Arc<MemoryDisk>) -> World {
    let shared: Arc<dyn Disk> = backup.clone();
    let seen = inspect(&shared).unwrap().unwrap();
    let marker = Restored { adoptions: 0, head: seen.head, at: world.platform.world.now() };
    backup.replace(RESTORED, &marker.encode()).unwrap();
    world.platform.world.disk = shared;
    world.platform = world.platform.restart();
    let platform = &world.platform;
    let (key, since) = (platform.key("platform/ct"), platform.world.now());
    let ended = Change::KeyState { key, state: KeyState::Retired, since, reason: "frozen".to_owned() };
    let changes = vec![adoption(platform, "two"), retired(platform), next_log(platform, NEXT_ORIGIN), ended];
    let adopted = platform.enter(changes);
    assert!(matches!(adopted, AdminAnswer::Appended { .. }), "{adopted:?}");
    world
}

#[test]
fn a_token_of_the_time_that_was_lost_is_good_for_no_second_key() {
    let disk = Arc::new(MemoryDisk::new());
    let platform = Platform::begin(world::World::on(Arc::<MemoryDisk>::clone(&disk)));
    let world = World::over(platform, IdentityProof::Proven);
    let backup = copy(&*disk);
    let token = world.provider.token(&world.claims());
    world.ask(&token, HolderStep::Precertificate).unwrap();
    world.platform.world.clock.advance(MINUTE);
    let mut world = restored_and_adopted(world, &backup);
    world.holder = Key::generate(Algorithm::EcdsaP256);
    // A second start reads it from the journal, and a snapshot would tell it too.
    for _ in 0..2 {
        let refusal = world.ask(&token, HolderStep::Precertificate).unwrap_err();
        assert_eq!(refusal.code, RefusalCode::Token);
        assert!(refusal.text.contains("when a restored state was adopted"), "{}", refusal.text);
        world.platform = world.platform.restart();
    }
    world.platform.world.clock.advance(MINUTE);
    let token = world.provider.token(&world.claims());
    world.ask(&token, HolderStep::Precertificate).unwrap();
}
