//! The second factor, at a real gateway: begun, confirmed, asked for, guessed at, turned off, lost.

use ring::hmac;

use super::*;

/// The code of a step of time, worked out here from RFC 6238 and nothing of the gateway's.
fn code_of(secret: &str, step: i64) -> String {
    let mut bits = 0_u64;
    let mut count = 0;
    let mut key = Vec::new();
    for letter in secret.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => panic!("{secret} is no base32"),
        };
        bits = bits << 5 | u64::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            key.push((bits >> count) as u8);
        }
    }
    assert_eq!(key.len(), 20, "160 bits");
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes(tag[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// Somebody who has a session, and an authenticator app.
struct Somebody<'a> {
    place: &'a Place,
    id: i64,
    name: &'static str,
    cookie: String,
    csrf: String,
    secret: String,
}

impl<'a> Somebody<'a> {
    /// Signed in, without a second factor.
    async fn new(place: &'a Place, name: &'static str, role: &str) -> Self {
        let made = place.user(name, role).await;
        let (cookie, csrf) = session(&place.sign_in(name, PASSWORD).await);
        Somebody {
            place,
            id: made["id"].as_i64().unwrap(),
            name,
            cookie,
            csrf,
            secret: String::new(),
        }
    }

    /// Signed in, with a second factor that is on. The code of the step now is used by that.
    async fn with_totp(place: &'a Place, name: &'static str, role: &str) -> Self {
        let mut somebody = Somebody::new(place, name, role).await;
        somebody.begin().await;
        let code = somebody.code(0);
        let confirmed = somebody.confirm(&code).await;
        assert_eq!(confirmed.status, 204, "{}", confirmed.text());
        somebody
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> Answer {
        let headers = [
            ("cookie", self.cookie.as_str()),
            ("x-waybill-csrf", self.csrf.as_str()),
        ];
        let path = format!("{API}{path}");
        self.place.ask(method, &path, &headers, body).await
    }

    async fn begin(&mut self) -> Value {
        let form = json!({"password": PASSWORD});
        let begun = self.ask(Method::POST, "/me/totp", form).await;
        assert_eq!(begun.status, 200, "{}", begun.text());
        self.secret = begun.json()["secret"].as_str().unwrap().to_owned();
        begun.json()
    }

    async fn confirm(&self, code: &str) -> Answer {
        self.ask(Method::PUT, "/me/totp", json!({"code": code}))
            .await
    }

    async fn disable(&self, password: &str, code: &str) -> Answer {
        let form = json!({"password": password, "code": code});
        self.ask(Method::POST, "/me/totp/disable", form).await
    }

    /// The code of so many steps after the one that it is now.
    fn code(&self, after: i64) -> String {
        let now = self.place.clock.load(Ordering::Relaxed);
        code_of(&self.secret, now / 30_000 + after)
    }

    /// A code that is none of those that are right about now.
    fn wrong_code(&self) -> String {
        let right: Vec<_> = (-2..=2).map(|after| self.code(after)).collect();
        let mut all = (0..10).map(|number| format!("{number:06}"));
        all.find(|code| !right.contains(code)).unwrap()
    }

    async fn sign_in(&self, password: &str, code: Option<&str>) -> Answer {
        let form = json!({"name": self.name, "password": password, "code": code});
        self.place.with(None, Method::POST, "/sign-in", form).await
    }

    async fn me(&self) -> Answer {
        self.ask(Method::GET, "/me", Value::Null).await
    }
}

/// How an answer refuses.
fn refusal(answer: &Answer) -> (u16, String) {
    let code = answer.json()["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    (answer.status.as_u16(), code)
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_in_takes_a_code_once_a_second_factor_was_confirmed() {
    let place = Place::new().await;
    let mut eve = Somebody::new(&place, "eve", "viewer").await;
    let form = json!({"name": "t", "role": "viewer", "admin_user": "eve"});
    let token = place.token(form).await;
    let (other, _) = session(&place.sign_in("eve", PASSWORD).await);
    assert_eq!(eve.me().await.json()["totp"], false);

    // It is begun by whoever knows the password, and not in force by that.
    let guessed = json!({"password": "not the password"});
    let refused = eve.ask(Method::POST, "/me/totp", guessed).await;
    assert_eq!(refusal(&refused), is(401, "unauthorized"));
    let early = eve.confirm("123456").await;
    assert_eq!(refusal(&early), is(409, "totp_off"));
    let first = eve.begin().await;
    let begun = eve.begin().await;
    assert_ne!(first["secret"], begun["secret"]);
    let uri = begun["uri"].as_str().unwrap();
    assert!(
        uri.starts_with("otpauth://totp/Waybill%20%28127.0.0.1%29:eve?secret="),
        "{uri}"
    );
    assert!(uri.contains(&eve.secret), "{uri}");
    session(&eve.sign_in(PASSWORD, None).await);
    assert_eq!(eve.me().await.json()["totp"], false);
    let step = NOW / 30_000;
    let of_first = code_of(first["secret"].as_str().unwrap(), step);
    for code in [eve.wrong_code(), of_first] {
        assert_eq!(refusal(&eve.confirm(&code).await), is(401, "totp_wrong"));
    }
    let used = eve.code(0);
    assert_eq!(eve.confirm(&used).await.status, 204);

    // Sessions that began without it are over, but the one that confirmed it; tokens are not asked.
    assert_eq!(eve.me().await.json()["totp"], true);
    let headers = [("cookie", other.as_str())];
    let path = format!("{API}/me");
    let over = place.ask(Method::GET, &path, &headers, Value::Null).await;
    assert_eq!(over.status, 401);
    let by_token = place.with(Some(&token), Method::GET, "/me", Value::Null);
    assert_eq!(by_token.await.json()["totp"], true);
    let list = place.admin(Method::GET, "/admin-users", Value::Null).await;
    assert_eq!(list["items"][0]["totp"], true, "{list}");
    assert!(!list.to_string().contains(&eve.secret), "{list}");
    let again = json!({"password": PASSWORD});
    let again = eve.ask(Method::POST, "/me/totp", again).await;
    assert_eq!(refusal(&again), is(409, "totp_on"));
    assert_eq!(refusal(&eve.confirm(&used).await), is(409, "totp_on"));

    // The password comes first: without it, nothing is said of codes.
    let asked = eve.sign_in(PASSWORD, None).await;
    assert_eq!(refusal(&asked), is(401, "totp_required"));
    assert!(asked.header("set-cookie").is_none());
    let guessed = eve.sign_in("not the password", Some(&eve.code(1))).await;
    assert_eq!(refusal(&guessed), is(401, "unauthorized"));

    // One step early and one late are good; each once, and none that is older than one that was used.
    let refused = is(401, "totp_wrong");
    for code in [used.clone(), eve.code(2), eve.code(-1), "28708".to_owned()] {
        let answer = eve.sign_in(PASSWORD, Some(&code)).await;
        assert_eq!(refusal(&answer), refused, "{code}");
    }
    let early = eve.code(1);
    let signed_in = eve.sign_in(PASSWORD, Some(&early)).await;
    session(&signed_in);
    assert_eq!(signed_in.json()["totp"], true);
    let again = eve.sign_in(PASSWORD, Some(&early)).await;
    assert_eq!(refusal(&again), refused);
    place.wait(90_000);
    let late = eve.code(-1);
    let (digits, more) = late.split_at(3);
    session(
        &eve.sign_in(PASSWORD, Some(&format!("{digits} {more}")))
            .await,
    );
    let older = eve.sign_in(PASSWORD, Some(&eve.code(-2))).await;
    assert_eq!(refusal(&older), refused);

    // What was done is in the log; with what is not.
    let log = place.log("").await;
    for action in ["me.totp.begin", "me.totp.confirm"] {
        let found = log.iter().find(|entry| entry["action"] == action);
        assert_eq!(found.unwrap()["actor"], "eve", "{action}");
    }
    let told = serde_json::to_string(&log).unwrap();
    assert!(told.contains(r#""totp":"required""#), "{told}");
    for secret in [eve.secret.as_str(), PASSWORD, &early, &late] {
        assert!(!told.contains(secret), "{secret}");
    }
    place.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_codes_is_slowed_whatever_else_succeeds_and_ends_after_too_many() {
    let place = Place::new().await;
    let eve = Somebody::with_totp(&place, "eve", "admin").await;
    let wrong = eve.wrong_code();
    let mut statuses = Vec::new();
    for _ in 0..8 {
        // Whoever guesses knows the password: that it is right is no success.
        let asked = eve.sign_in(PASSWORD, None).await;
        assert_eq!(refusal(&asked), is(401, "totp_required"));
        let guessed = eve.sign_in(PASSWORD, Some(&wrong)).await;
        statuses.push(guessed.status.as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 401, 429, 429]);
    let right = eve.code(1);
    let told = eve.sign_in(PASSWORD, Some(&right)).await;
    assert_eq!(refusal(&told), is(429, "too_many_attempts"));
    assert_eq!(told.header("retry-after"), Some("1"));
    // The same throttle is before turning it off.
    let refused = eve.disable(PASSWORD, &right).await;
    assert_eq!(refusal(&refused), is(429, "too_many_attempts"));
    place.wait(1_000);
    session(&eve.sign_in(PASSWORD, Some(&right)).await);

    // A right one forgets the wrong ones before it; so many in a row are the end of it.
    set_wrong(&place, 99);
    place.wait(30_000);
    let guessed = eve.sign_in(PASSWORD, Some(&wrong)).await;
    assert_eq!(refusal(&guessed), is(401, "totp_wrong"));
    let right = eve.code(1);
    let locked = eve.sign_in(PASSWORD, Some(&right)).await;
    assert_eq!(refusal(&locked), is(403, "totp_locked"));
    let locked = eve.disable(PASSWORD, &right).await;
    assert_eq!(refusal(&locked), is(403, "totp_locked"));
    // Her own new password is one that the guesser may know; another admin's is not.
    let password = "another long password";
    let form = json!({"old_password": PASSWORD, "new_password": password});
    let changed = eve.ask(Method::PUT, "/me/password", form).await;
    assert_eq!(changed.status, 204, "{}", changed.text());
    let locked = eve.sign_in(password, Some(&right)).await;
    assert_eq!(refusal(&locked), is(403, "totp_locked"));
    let path = format!("/admin-users/{}", eve.id);
    let form = json!({"password": PASSWORD});
    place.admin(Method::PATCH, &path, form).await;
    session(&eve.sign_in(PASSWORD, Some(&right)).await);
    place.world.stop().await;
}

/// As if so many codes in a row had been wrong.
fn set_wrong(place: &Place, count: u32) {
    let file = place.world.folder.path().join("waybill.db");
    let db = rusqlite::Connection::open(file).unwrap();
    let sql = "UPDATE admin_users SET totp_wrong = ?1";
    assert_eq!(db.execute(sql, [count]).unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_factor_is_turned_off_with_a_code_or_by_another_admin_without() {
    let place = Place::new().await;
    let eve = Somebody::with_totp(&place, "eve", "viewer").await;
    place.wait(30_000);
    let right = eve.code(0);
    let guessed = eve.disable("not the password", &right).await;
    assert_eq!(refusal(&guessed), is(401, "unauthorized"));
    let alone = json!({"password": PASSWORD});
    let alone = eve.ask(Method::POST, "/me/totp/disable", alone).await;
    assert_eq!(refusal(&alone), is(400, "invalid_body"));
    let guessed = eve.disable(PASSWORD, &eve.wrong_code()).await;
    assert_eq!(refusal(&guessed), is(401, "totp_wrong"));
    let done = eve.disable(PASSWORD, &right).await;
    assert_eq!(done.status, 204, "{}", done.text());
    assert_eq!(eve.me().await.json()["totp"], false);
    session(&eve.sign_in(PASSWORD, None).await);
    let again = eve.disable(PASSWORD, &right).await;
    assert_eq!(refusal(&again), is(409, "totp_off"));
    assert_eq!(refusal(&eve.confirm(&right).await), is(409, "totp_off"));

    // Who lost the device asks an admin: another one, and one who is kept to no area.
    let ada = Somebody::with_totp(&place, "ada", "admin").await;
    let bob = Somebody::with_totp(&place, "bob", "admin").await;
    let reset = |id: i64| format!("/admin-users/{id}/totp");
    let by_viewer = eve.ask(Method::DELETE, &reset(bob.id), Value::Null).await;
    assert_eq!(refusal(&by_viewer), is(403, "forbidden"));
    let own = ada.ask(Method::DELETE, &reset(ada.id), Value::Null).await;
    assert_eq!(refusal(&own), is(403, "forbidden"));
    let form = json!({"name": "t", "role": "admin", "admin_user": "ada", "scopes": ["people"]});
    let kept = place.token(form).await;
    let by_kept = place
        .with(Some(&kept), Method::DELETE, &reset(bob.id), Value::Null)
        .await;
    assert_eq!(refusal(&by_kept), is(403, "forbidden"));
    let nobody = ada.ask(Method::DELETE, &reset(999), Value::Null).await;
    assert_eq!(refusal(&nobody), is(404, "not_found"));
    let done = ada.ask(Method::DELETE, &reset(bob.id), Value::Null).await;
    assert_eq!(done.status, 204, "{}", done.text());
    assert_eq!(
        (
            ada.me().await.status.as_u16(),
            bob.me().await.status.as_u16()
        ),
        (200, 401)
    );
    let signed_in = bob.sign_in(PASSWORD, None).await;
    session(&signed_in);
    assert_eq!(signed_in.json()["totp"], false);
    let log = place.log("action=admin-users.totp.delete&actor=ada").await;
    let done = log.iter().find(|entry| entry["status"] == 204).unwrap();
    assert_eq!(done["subject_id"], bob.id.to_string());

    // A new password turns nothing off.
    let form = json!({"password": "another long password"});
    let path = format!("/admin-users/{}", ada.id);
    place.admin(Method::PATCH, &path, form).await;
    let asked = ada.sign_in("another long password", None).await;
    assert_eq!(refusal(&asked), is(401, "totp_required"));

    // The configured token is nobody's.
    let form = json!({"password": PASSWORD});
    let nobodys = place.with(Some(ADMIN_TOKEN), Method::POST, "/me/totp", form);
    assert_eq!(refusal(&nobodys.await), is(400, "invalid_field"));
    let me = place.admin(Method::GET, "/me", Value::Null).await;
    assert_eq!(me["totp"], false);
    place.world.stop().await;
}
