//! The contract of the store about who uses the admin API, written against the interface alone.

use crate::common::{Fixture, Subject, first_page};
use serde_json::json;
use waybill_model::{
    entity::{Sealed, Status},
    id::AdminUserId,
    people::{Area, Role, Through},
    time::UnixMillis,
    view::Sort,
};
use waybill_store::{
    AdminUserChange, AuditFilter, Keep, MOST_WRONG_CODES, NewAdminToken, NewAdminUser,
    NewAuditEntry, NewSession, RetentionPolicy, RightCode, Store, StoreError,
};

on_both! {
    of_many_first_admin_users_at_once_one_is_made,
    the_last_admin_stays_where_that_is_asked_for,
    who_is_switched_off_has_no_token_and_no_session,
    a_session_begins_only_with_the_password_that_is_the_one_now,
    a_second_factor_is_in_force_once_a_code_confirmed_it_and_ends_the_sessions_from_before,
    of_many_sign_ins_at_once_with_one_code_one_begins_a_session,
    a_second_factor_takes_no_code_twice_no_older_one_and_none_after_too_many_wrong_ones,
    a_second_factor_is_turned_off_by_a_code_or_reset_without_one,
    a_token_is_found_by_its_hash_and_deleted_by_its_owner_alone,
    the_audit_log_is_read_by_page_and_filter_and_ends_with_its_age,
    refusals_of_a_minute_are_one_entry,
}

/// Of the password of everybody here.
const HASH: &str = "$argon2id$x";

const THEN: UnixMillis = UnixMillis(1_800_000_000_000);

fn user(name: &str, role: Role) -> NewAdminUser {
    NewAdminUser {
        name: name.to_owned(),
        role,
        status: Status::Active,
        password_hash: HASH.to_owned(),
    }
}

fn token(owner: AdminUserId, name: &str, hash: u8) -> NewAdminToken {
    NewAdminToken {
        name: name.to_owned(),
        admin_user_id: owner,
        hash: [hash; 32],
        prefix: "wb-pat-abc".to_owned(),
        role: Role::Operator,
        scopes: vec![Area::Errors],
        expires_at: Some(THEN.plus_ms(1_000)),
    }
}

fn entry(at: i64, actor: &str, action: &str) -> NewAuditEntry {
    NewAuditEntry {
        at: THEN.plus_ms(at),
        actor_id: None,
        actor: actor.to_owned(),
        role: Some(Role::Admin),
        through: Through::Session,
        client_ip: "10.0.0.1".to_owned(),
        action: action.to_owned(),
        subject: "accounts".to_owned(),
        subject_id: Some("7".to_owned()),
        status: Some(403),
        count: 1,
        detail: json!({"fields": ["name"]}),
    }
}

fn all() -> AuditFilter {
    AuditFilter {
        start: THEN,
        end: THEN.plus_ms(1_000_000),
        actor: None,
        action: None,
        subject: None,
        subject_id: None,
    }
}

async fn made(store: &Store, name: &str, role: Role) -> AdminUserId {
    let made = store.create_admin_user(user(name, role), THEN).await;
    made.unwrap().id
}

async fn of_many_first_admin_users_at_once_one_is_made(subject: Subject) {
    let f = Fixture::on(subject).await;
    assert!(f.store.open_setup([7; 32]).await.unwrap());
    assert!(!f.store.open_setup([8; 32]).await.unwrap());
    assert_eq!(f.store.setup_token().await.unwrap(), Some([7; 32]));
    let tries: Vec<_> = (0..8)
        .map(|number| {
            let store = f.store.clone();
            let new = user(&format!("n{number}"), Role::Admin);
            tokio::spawn(async move { store.create_first_admin_user(new, THEN).await.unwrap() })
        })
        .collect();
    let mut winners = 0;
    for tried in tries {
        winners += usize::from(tried.await.unwrap().is_some());
    }
    assert_eq!(winners, 1);
    assert_eq!(f.store.admin_users().await.unwrap().len(), 1);
    assert_eq!(f.store.setup_token().await.unwrap(), None);
    assert!(!f.store.open_setup([9; 32]).await.unwrap());
}

async fn the_last_admin_stays_where_that_is_asked_for(subject: Subject) {
    let f = Fixture::on(subject).await;
    let (one, two) = (
        made(&f.store, "one", Role::Admin).await,
        made(&f.store, "two", Role::Operator).await,
    );
    let demoted = || AdminUserChange {
        role: Some(Role::Viewer),
        ..AdminUserChange::default()
    };
    let refused = f
        .store
        .update_admin_user(one, demoted(), Keep::AnAdmin, THEN)
        .await;
    assert!(matches!(refused, Err(StoreError::LastAdmin)), "{refused:?}");
    assert_eq!(
        f.store.admin_user(one).await.unwrap().unwrap().role,
        Role::Admin
    );
    let refused = f.store.delete_admin_user(one, Keep::AnAdmin).await;
    assert!(matches!(refused, Err(StoreError::LastAdmin)), "{refused:?}");
    let promoted = AdminUserChange {
        role: Some(Role::Admin),
        ..AdminUserChange::default()
    };
    f.store
        .update_admin_user(two, promoted, Keep::AnAdmin, THEN)
        .await
        .unwrap();
    f.store.delete_admin_user(one, Keep::AnAdmin).await.unwrap();
    f.store.delete_admin_user(two, Keep::Nobody).await.unwrap();
    assert!(!f.store.has_admin_users().await.unwrap());
    let same = f
        .store
        .create_admin_user(user("a", Role::Viewer), THEN)
        .await;
    assert!(same.is_ok());
    let same = f
        .store
        .create_admin_user(user("a", Role::Viewer), THEN)
        .await;
    assert!(
        matches!(same, Err(StoreError::NameTaken { .. })),
        "{same:?}"
    );
}

async fn who_is_switched_off_has_no_token_and_no_session(subject: Subject) {
    let f = Fixture::on(subject).await;
    let owner = made(&f.store, "o", Role::Admin).await;
    f.store
        .create_admin_token(token(owner, "t", 1), THEN)
        .await
        .unwrap();
    let session = |hash| NewSession {
        admin_user_id: owner,
        password_hash: HASH.to_owned(),
        code: None,
        hash: [hash; 32],
        expires_at: THEN.plus_ms(500),
    };
    assert!(f.store.begin_session(session(2), THEN).await.unwrap());
    let (found, whose) = f.store.session_by_hash([2; 32]).await.unwrap().unwrap();
    assert_eq!((found.seen_at, whose.last_sign_in_at), (THEN, Some(THEN)));
    f.store
        .session_seen(found.id, THEN.plus_ms(5))
        .await
        .unwrap();
    let (found, _) = f.store.session_by_hash([2; 32]).await.unwrap().unwrap();
    assert_eq!(found.seen_at, THEN.plus_ms(5));
    let off = AdminUserChange {
        status: Some(Status::Disabled),
        ..AdminUserChange::default()
    };
    f.store
        .update_admin_user(owner, off, Keep::Nobody, THEN)
        .await
        .unwrap();
    assert!(
        f.store
            .admin_token_by_hash([1; 32])
            .await
            .unwrap()
            .is_none()
    );
    assert!(f.store.session_by_hash([2; 32]).await.unwrap().is_none());
    let on = AdminUserChange {
        status: Some(Status::Active),
        ..AdminUserChange::default()
    };
    f.store
        .update_admin_user(owner, on, Keep::Nobody, THEN)
        .await
        .unwrap();
    assert!(
        f.store
            .admin_token_by_hash([1; 32])
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        f.store.session_by_hash([2; 32]).await.unwrap().is_none(),
        "it was ended"
    );
    for hash in [3, 4] {
        f.store.begin_session(session(hash), THEN).await.unwrap();
    }
    assert_eq!(f.store.end_sessions(owner).await.unwrap(), 2);
    f.store.begin_session(session(5), THEN).await.unwrap();
    let later = THEN.plus_ms(501);
    let report = f
        .store
        .retain(&RetentionPolicy::default(), later)
        .await
        .unwrap();
    assert_eq!(report.sessions, 1);
}

/// A password was checked; before its session begins it is changed, and then its owner is switched off.
async fn a_session_begins_only_with_the_password_that_is_the_one_now(subject: Subject) {
    let f = Fixture::on(subject).await;
    let owner = made(&f.store, "o", Role::Admin).await;
    let checked = |hash: u8, password_hash: &str| NewSession {
        admin_user_id: owner,
        password_hash: password_hash.to_owned(),
        code: None,
        hash: [hash; 32],
        expires_at: THEN.plus_ms(500),
    };
    let change = |change| f.store.update_admin_user(owner, change, Keep::Nobody, THEN);
    change(AdminUserChange {
        password_hash: Some("another".to_owned()),
        ..AdminUserChange::default()
    })
    .await
    .unwrap();
    let begun = f.store.begin_session(checked(1, HASH), THEN).await;
    assert!(!begun.unwrap());
    assert!(f.store.session_by_hash([1; 32]).await.unwrap().is_none());
    assert!(
        f.store
            .begin_session(checked(2, "another"), THEN)
            .await
            .unwrap()
    );
    change(AdminUserChange {
        status: Some(Status::Disabled),
        ..AdminUserChange::default()
    })
    .await
    .unwrap();
    let begun = f.store.begin_session(checked(3, "another"), THEN).await;
    assert!(!begun.unwrap());
    // Switched on again, nothing of it is there.
    change(AdminUserChange {
        status: Some(Status::Active),
        ..AdminUserChange::default()
    })
    .await
    .unwrap();
    for hash in [1, 2, 3] {
        assert!(f.store.session_by_hash([hash; 32]).await.unwrap().is_none());
    }
    assert_eq!(f.store.end_sessions(owner).await.unwrap(), 0);
}

/// A code of a step, of the secret that everybody has here.
fn code(step: i64) -> RightCode {
    RightCode {
        secret: Sealed(vec![7; 40]),
        step,
    }
}

/// A sign-in whose password, and whose code if there is one, were checked.
async fn begins(store: &Store, owner: AdminUserId, hash: u8, code: Option<RightCode>) -> bool {
    let session = NewSession {
        admin_user_id: owner,
        password_hash: HASH.to_owned(),
        code,
        hash: [hash; 32],
        expires_at: THEN.plus_ms(500),
    };
    store.begin_session(session, THEN).await.unwrap()
}

/// Somebody whose second factor was confirmed by the code of step 10.
async fn with_totp(store: &Store, name: &str) -> AdminUserId {
    let owner = made(store, name, Role::Viewer).await;
    let secret = code(0).secret;
    assert!(store.begin_totp(owner, secret, THEN).await.unwrap());
    let confirmed = store.confirm_totp(owner, code(10), None, THEN).await;
    assert!(confirmed.unwrap());
    owner
}

async fn a_second_factor_is_in_force_once_a_code_confirmed_it_and_ends_the_sessions_from_before(
    subject: Subject,
) {
    let f = Fixture::on(subject).await;
    let (owner, other) = (
        made(&f.store, "o", Role::Admin).await,
        made(&f.store, "other", Role::Admin).await,
    );
    assert_eq!(f.store.totp(owner).await.unwrap(), None);
    for (hash, whose) in [(1, owner), (2, owner), (3, other)] {
        assert!(begins(&f.store, whose, hash, None).await);
    }
    let (own, _) = f.store.session_by_hash([1; 32]).await.unwrap().unwrap();

    // Begun twice: the second secret counts, and neither is in force.
    let first = Sealed(vec![1; 40]);
    let begin = |secret| f.store.begin_totp(owner, secret, THEN);
    assert!(begin(first.clone()).await.unwrap());
    assert!(begin(code(0).secret).await.unwrap());
    let begun = f.store.totp(owner).await.unwrap().unwrap();
    assert_eq!((begun.secret, begun.is_on), (code(0).secret, false));
    assert!(!f.store.admin_user(owner).await.unwrap().unwrap().totp);
    assert!(begins(&f.store, owner, 4, None).await);
    f.store.code_was_wrong(owner).await.unwrap();
    let of_first = RightCode {
        secret: first,
        step: 10,
    };
    let confirm = |code| f.store.confirm_totp(owner, code, Some(own.id), THEN);
    assert!(!confirm(of_first).await.unwrap());
    assert!(confirm(code(10)).await.unwrap());
    assert!(!confirm(code(11)).await.unwrap(), "it is in force already");
    assert!(!begin(code(0).secret).await.unwrap());

    let on = f.store.totp(owner).await.unwrap().unwrap();
    assert_eq!((on.is_on, on.step, on.wrong), (true, 10, 0));
    assert!(f.store.admin_user(owner).await.unwrap().unwrap().totp);
    for (hash, is_there) in [(1, true), (2, false), (3, true), (4, false)] {
        let found = f.store.session_by_hash([hash; 32]).await.unwrap();
        assert_eq!(found.is_some(), is_there, "{hash}");
    }
    assert!(!begins(&f.store, owner, 5, None).await);
    assert!(!begins(&f.store, other, 6, Some(code(11))).await);
    assert!(begins(&f.store, owner, 7, Some(code(11))).await);
}

async fn of_many_sign_ins_at_once_with_one_code_one_begins_a_session(subject: Subject) {
    let f = Fixture::on(subject).await;
    let owner = with_totp(&f.store, "o").await;
    let tries: Vec<_> = (0..8)
        .map(|number| {
            let store = f.store.clone();
            tokio::spawn(async move { begins(&store, owner, number, Some(code(11))).await })
        })
        .collect();
    let mut begun = 0;
    for tried in tries {
        begun += usize::from(tried.await.unwrap());
    }
    assert_eq!(begun, 1);
    assert_eq!(f.store.end_sessions(owner).await.unwrap(), 1);
}

async fn a_second_factor_takes_no_code_twice_no_older_one_and_none_after_too_many_wrong_ones(
    subject: Subject,
) {
    let f = Fixture::on(subject).await;
    let owner = with_totp(&f.store, "o").await;
    for (hash, step, is_taken) in [
        (1, 10, false),
        (2, 12, true),
        (3, 12, false),
        (4, 11, false),
    ] {
        let begun = begins(&f.store, owner, hash, Some(code(step))).await;
        assert_eq!(begun, is_taken, "{step}");
    }
    let other = RightCode {
        secret: Sealed(vec![1; 40]),
        step: 13,
    };
    assert!(!begins(&f.store, owner, 5, Some(other)).await);
    let wrong = async |times| {
        for _ in 0..times {
            f.store.code_was_wrong(owner).await.unwrap();
        }
    };
    wrong(MOST_WRONG_CODES - 1).await;
    assert!(begins(&f.store, owner, 6, Some(code(13))).await);
    assert_eq!(f.store.totp(owner).await.unwrap().unwrap().wrong, 0);
    wrong(MOST_WRONG_CODES).await;
    assert!(!begins(&f.store, owner, 7, Some(code(14))).await);
    assert!(!f.store.end_totp(owner, code(15), THEN).await.unwrap());
    let change = |change| f.store.update_admin_user(owner, change, Keep::Nobody, THEN);
    let another = |forgets_wrong_codes| AdminUserChange {
        password_hash: Some(HASH.to_owned()),
        forgets_wrong_codes,
        ..AdminUserChange::default()
    };
    change(another(false)).await.unwrap();
    assert!(!begins(&f.store, owner, 7, Some(code(14))).await);
    change(another(true)).await.unwrap();
    assert!(begins(&f.store, owner, 7, Some(code(14))).await);
}

async fn a_second_factor_is_turned_off_by_a_code_or_reset_without_one(subject: Subject) {
    let f = Fixture::on(subject).await;
    let owner = with_totp(&f.store, "o").await;
    assert!(begins(&f.store, owner, 1, Some(code(11))).await);
    assert!(!f.store.end_totp(owner, code(11), THEN).await.unwrap());
    assert!(f.store.end_totp(owner, code(12), THEN).await.unwrap());
    assert_eq!(f.store.totp(owner).await.unwrap(), None);
    assert!(!f.store.admin_user(owner).await.unwrap().unwrap().totp);
    assert!(f.store.session_by_hash([1; 32]).await.unwrap().is_some());
    assert!(begins(&f.store, owner, 2, None).await);

    let lost = with_totp(&f.store, "lost").await;
    assert!(begins(&f.store, lost, 3, Some(code(11))).await);
    f.store.reset_totp(lost, THEN).await.unwrap();
    assert_eq!(f.store.totp(lost).await.unwrap(), None);
    assert!(f.store.session_by_hash([3; 32]).await.unwrap().is_none());
    assert!(f.store.session_by_hash([2; 32]).await.unwrap().is_some());
    assert!(!begins(&f.store, lost, 4, Some(code(12))).await);
    assert!(begins(&f.store, lost, 5, None).await);
    // Another time it is a new secret, and steps count from its own.
    assert!(
        f.store
            .begin_totp(lost, code(0).secret, THEN)
            .await
            .unwrap()
    );
    let again = f.store.confirm_totp(lost, code(3), None, THEN).await;
    assert!(again.unwrap());
    let nobody = f.store.reset_totp(AdminUserId(999), THEN).await;
    assert!(
        matches!(nobody, Err(StoreError::NotFound { .. })),
        "{nobody:?}"
    );
}

async fn a_token_is_found_by_its_hash_and_deleted_by_its_owner_alone(subject: Subject) {
    let f = Fixture::on(subject).await;
    let (one, two) = (
        made(&f.store, "one", Role::Admin).await,
        made(&f.store, "two", Role::Admin).await,
    );
    let made = f
        .store
        .create_admin_token(token(one, "t", 1), THEN)
        .await
        .unwrap();
    assert_eq!(
        (made.scopes.as_slice(), made.role),
        (&[Area::Errors][..], Role::Operator)
    );
    let taken = f.store.create_admin_token(token(one, "t", 2), THEN).await;
    assert!(
        matches!(taken, Err(StoreError::NameTaken { .. })),
        "{taken:?}"
    );
    f.store
        .create_admin_token(token(two, "t", 2), THEN)
        .await
        .unwrap();
    f.store
        .admin_token_used(made.id, THEN.plus_ms(9))
        .await
        .unwrap();
    let (found, owner) = f.store.admin_token_by_hash([1; 32]).await.unwrap().unwrap();
    assert_eq!((found.last_used_at, owner.id), (Some(THEN.plus_ms(9)), one));
    assert!(
        f.store
            .admin_token_by_hash([9; 32])
            .await
            .unwrap()
            .is_none()
    );
    let others = f.store.delete_admin_token(made.id, Some(two)).await;
    assert!(
        matches!(others, Err(StoreError::NotFound { .. })),
        "{others:?}"
    );
    f.store
        .delete_admin_token(made.id, Some(one))
        .await
        .unwrap();
    assert_eq!(f.store.admin_tokens(Some(one)).await.unwrap(), []);
    assert_eq!(f.store.admin_tokens(None).await.unwrap().len(), 1);
    f.store.delete_admin_user(two, Keep::AnAdmin).await.unwrap();
    assert_eq!(f.store.admin_tokens(None).await.unwrap(), []);
}

async fn the_audit_log_is_read_by_page_and_filter_and_ends_with_its_age(subject: Subject) {
    let f = Fixture::on(subject).await;
    for number in 0..5 {
        f.store
            .audit(entry(number, "eve", "accounts.reset"))
            .await
            .unwrap();
    }
    let begun = NewAuditEntry {
        status: None,
        subject_id: None,
        ..entry(5, "bob", "accounts.create")
    };
    let id = f.store.audit(begun).await.unwrap();
    let page = |cursor: Option<String>| {
        let mut page = first_page(4);
        page.cursor = cursor;
        page
    };
    let first = f.store.audit_log(&all(), &page(None)).await.unwrap();
    assert_eq!((first.total, first.items[0].status), (6, None));
    let second = f
        .store
        .audit_log(&all(), &page(first.next_cursor))
        .await
        .unwrap();
    assert_eq!((second.items.len(), second.next_cursor), (2, None));
    let detail = json!({"fields": ["name", "platform"]});
    let ended = f
        .store
        .audit_ended(id, 201, Some("12".to_owned()), detail.clone());
    ended.await.unwrap();
    let of_bob = AuditFilter {
        actor: Some("bob".to_owned()),
        action: Some("accounts.create".to_owned()),
        subject: Some("accounts".to_owned()),
        subject_id: Some("12".to_owned()),
        ..all()
    };
    let found = f.store.audit_log(&of_bob, &page(None)).await.unwrap();
    assert_eq!(found.items.len(), 1);
    assert_eq!(
        (found.items[0].status, &found.items[0].detail),
        (Some(201), &detail)
    );
    let mut oldest = page(None);
    oldest.sort = Sort::Oldest;
    let found = f.store.audit_log(&all(), &oldest).await.unwrap();
    assert_eq!(found.items[0].at, THEN);
    let policy = RetentionPolicy {
        audit_max_age_ms: Some(10),
        ..RetentionPolicy::default()
    };
    let report = f.store.retain(&policy, THEN.plus_ms(13)).await.unwrap();
    assert_eq!(report.audit, 3);
}

async fn refusals_of_a_minute_are_one_entry(subject: Subject) {
    let f = Fixture::on(subject).await;
    for (at, actor) in [(0, "eve"), (10, "eve"), (20, "bob"), (60_000, "eve")] {
        let counted = NewAuditEntry {
            count: 3,
            ..entry(at, actor, "sign-in")
        };
        f.store.audit_counted(counted).await.unwrap();
    }
    let found = f.store.audit_log(&all(), &first_page(10)).await.unwrap();
    let counts: Vec<_> = found
        .items
        .iter()
        .map(|entry| (entry.actor.as_str(), entry.count))
        .collect();
    assert_eq!(counts, [("eve", 3), ("bob", 3), ("eve", 6)]);
}
