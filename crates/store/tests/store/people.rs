//! The contract of the store about who uses the admin API, written against the interface alone.

use crate::common::{Fixture, Subject, first_page};
use serde_json::json;
use waybill_model::{
    entity::Status,
    id::AdminUserId,
    people::{Area, Role, Through},
    time::UnixMillis,
    view::Sort,
};
use waybill_store::{
    AdminUserChange, AuditFilter, Keep, NewAdminToken, NewAdminUser, NewAuditEntry, NewSession,
    RetentionPolicy, Store, StoreError,
};

on_both! {
    of_many_first_admin_users_at_once_one_is_made,
    the_last_admin_stays_where_that_is_asked_for,
    who_is_switched_off_has_no_token_and_no_session,
    a_session_begins_only_with_the_password_that_is_the_one_now,
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
