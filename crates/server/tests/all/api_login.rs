//! The login doors and their tokens.

use crate::rest::{Got, PASSWORD, TestApp, on_both, on_both_with};
use base64::Engine;
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use muster::access::{Caller, Rights};
use muster::accounts::client::{self, NewClient};
use muster::accounts::{login, staff, token, user};
use muster::profile::Profile;
use reqwest::Method;
use serde_json::{Value, json};

const TERMINALS: &str = "/iclock/api/terminals/";
const DOORS: [&str; 8] = [
    "/api/api-token-auth/",
    "/api/jwt-api-token-auth/",
    "/api/staff-api-token-auth/",
    "/api/staff-jwt-api-token-auth/",
    "/api-token-auth/",
    "/jwt-api-token-auth/",
    "/staff-api-token-auth/",
    "/staff-jwt-api-token-auth/",
];

fn admin() -> Value {
    json!({ "username": "admin", "password": PASSWORD })
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("three parts");
    let bytes = base64::prelude::BASE64_URL_SAFE_NO_PAD
        .decode(part)
        .expect("base64");
    serde_json::from_slice(&bytes).expect("JSON")
}

async fn add_user(test: &TestApp, name: &str, role: &str) {
    user::add(
        &test.app,
        &Caller::system(),
        name,
        Some("Ops@Example.com"),
        role,
        PASSWORD,
    )
    .await
    .expect("added");
}

#[tokio::test]
async fn a_door_gives_the_same_forty_digits_every_time_and_remembers_its_profile() {
    on_both(|test| async move {
        let nobody = test.nobody();
        let first = nobody.post("/api/api-token-auth/", admin()).await.is(200);
        let token = first["token"].as_str().expect("a token");
        assert_eq!(first, json!({ "token": token }));
        assert!(token.len() == 40 && token.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(
            nobody.post("/api/api-token-auth", admin()).await.is(200),
            first
        );
        let other = nobody.post("/api-token-auth/", admin()).await.is(200);
        assert_ne!(other, first);

        for (token, has_company) in [(&first, true), (&other, false)] {
            let token = token["token"].as_str().expect("a token");
            let made =
                json!({ "sn": format!("SN{token}"), "alias": "a", "ip_address": "10.0.0.1" });
            let caller = test.with(&format!("Bearer-Token {token}"));
            caller.post(TERMINALS, made).await.is(201);
            let list = caller.get(TERMINALS).await.is(200);
            assert_eq!(list["data"][0].get("company").is_some(), has_company);
        }
    })
    .await;
}

#[tokio::test]
async fn json_forms_and_multipart_are_taken_and_a_mail_address_for_the_name() {
    on_both(|test| async move {
        add_user(&test, "ops", "operator").await;
        let nobody = test.nobody();
        let token = nobody
            .post(
                "/api-token-auth/",
                json!({ "Username": "ops", "PASSWORD": PASSWORD }),
            )
            .await
            .is(200);
        let fields = [("username", "ops"), ("password", PASSWORD)];
        let request = nobody
            .request(Method::POST, "/api-token-auth/")
            .form(&fields);
        assert_eq!(Got::from(request).await.is(200), token);
        let parts = reqwest::multipart::Form::new()
            .text("username", "ops")
            .text("password", PASSWORD);
        let request = nobody
            .request(Method::POST, "/api-token-auth/")
            .multipart(parts);
        assert_eq!(Got::from(request).await.is(200), token);
        let cloud =
            json!({ "company": "default", "email": "ops@example.com", "password": PASSWORD });
        assert_eq!(nobody.post("/api-token-auth/", cloud).await.is(200), token);
        // A header that is no credential does not matter at a door.
        let request = test
            .with("Bearer-Token")
            .request(Method::POST, "/api-token-auth/")
            .json(&json!({ "username": "ops", "password": PASSWORD }));
        assert_eq!(Got::from(request).await.is(200), token);
    })
    .await;
}

#[tokio::test]
async fn the_json_web_tokens_have_the_claims_their_readers_expect() {
    on_both(|test| async move {
        let nobody = test.nobody();
        let now = test.app.clock.now().timestamp();
        let pair = nobody
            .post("/api/jwt-api-token-auth/", admin())
            .await
            .is(200);
        assert_eq!(pair["expires_in"], 300);
        assert_eq!(pair["token"], pair["access"]);
        let access = claims(pair["access"].as_str().expect("a token"));
        let refresh = claims(pair["refresh"].as_str().expect("a token"));
        assert_eq!(
            access,
            json!({
                "token_type": "access", "exp": now + 300, "iat": now,
                "jti": access["jti"], "user_id": access["user_id"],
            })
        );
        assert_eq!(access["user_id"].as_str().map(str::len), Some(36));
        assert_eq!(
            refresh,
            json!({
                "token_type": "refresh", "exp": now + 86_400, "iat": now,
                "jti": refresh["jti"], "user_id": access["user_id"],
            })
        );

        test.app.clock.advance(TimeDelta::seconds(100));
        let body = json!({ "refresh": pair["refresh"] });
        let renewed = nobody.post("/jwt-api-token-refresh/", body).await.is(200);
        let again = claims(renewed["access"].as_str().expect("a token"));
        assert_eq!(
            again["iat"], access["iat"],
            "a refresh keeps the login's time"
        );
        assert_eq!(again["exp"], now + 400);
        assert_ne!(again["jti"], access["jti"]);

        let biotime = nobody.post("/jwt-api-token-auth/", admin()).await.is(200);
        let simple = claims(biotime["token"].as_str().expect("a token"));
        assert_eq!(
            simple,
            json!({
                "user_id": access["user_id"], "username": "admin",
                "exp": now + 100 + 604_800, "email": null, "orig_iat": now + 100,
            })
        );
        assert_eq!(biotime["access"], biotime["token"]);
        let body = json!({ "token": biotime["token"] });
        test.app.clock.advance(TimeDelta::seconds(50));
        let renewed = nobody.post("/jwt-api-token-refresh/", body).await.is(200);
        let renewed = claims(renewed["token"].as_str().expect("a token"));
        assert_eq!(renewed["orig_iat"], now + 100);
        assert_eq!(renewed["exp"], now + 150 + 604_800);
    })
    .await;
}

#[tokio::test]
async fn any_word_goes_with_any_token_and_a_token_alone_too() {
    on_both(|test| async move {
        let lasting = test.log_in("/api/api-token-auth/", "admin").await;
        let signed = test.log_in("/api/jwt-api-token-auth/", "admin").await;
        let simple = test.log_in("/jwt-api-token-auth/", "admin").await;
        for token in [&lasting, &signed, &simple] {
            for word in ["JWT ", "jwt ", "Token ", "bearer ", "Bearer-Token ", ""] {
                let got = test.with(&format!("{word}{token}")).get(TERMINALS).await;
                assert_eq!(got.status, 200, "{word}{token}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn attack_08_a_wrong_password_is_told_as_each_library_expects() {
    on_both(|test| async move {
        let wrong = json!({ "username": "admin", "password": "wrong" });
        let unknown = json!({ "username": "nobody", "password": "wrong" });
        for door in DOORS {
            for body in [&wrong, &unknown] {
                let got = test.nobody().post(door, body.clone()).await;
                if door == "/api/jwt-api-token-auth/" {
                    assert_eq!(
                        got.is(401),
                        json!({ "detail": "No active account found with the given credentials" })
                    );
                } else {
                    assert_eq!(
                        got.is(400),
                        json!({ "non_field_errors": ["Unable to log in with provided credentials."] })
                    );
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn attack_09_what_is_no_name_and_no_password_is_refused_before_any_work() {
    on_both(|test| async move {
        for door in DOORS {
            let nobody = test.nobody();
            assert_eq!(
                nobody.post(door, json!({})).await.is(400),
                json!({
                    "username": ["This field is required."],
                    "password": ["This field is required."],
                })
            );
            assert_eq!(
                nobody
                    .post(door, json!({ "username": { "$ne": "" }, "password": [] }))
                    .await
                    .is(400),
                json!({
                    "username": ["Not a valid string."],
                    "password": ["Not a valid string."],
                })
            );
            assert_eq!(
                nobody
                    .post(
                        door,
                        json!({ "username": "admin\0", "password": "x".repeat(1025) })
                    )
                    .await
                    .is(400),
                json!({
                    "username": ["Null characters are not allowed."],
                    "password": ["Ensure this field has no more than 1024 characters."],
                })
            );
            assert_eq!(
                nobody
                    .post(door, json!({ "username": "admin", "password": "" }))
                    .await
                    .is(400),
                json!({ "password": ["This field may not be blank."] })
            );
            let huge = json!({ "username": "x".repeat(1 << 20), "password": "x" });
            nobody.post(door, huge).await.is(413);
        }
    })
    .await;
}

#[tokio::test]
async fn attack_07_nobody_comes_in_with_a_password_everybody_knows() {
    on_both(|test| async move {
        let admin = test.easytimepro().await;
        for (number, door) in DOORS.iter().enumerate() {
            // Somebody else at each, whom nobody has closed out before.
            let code = (1001 + number).to_string();
            let new = json!({ "emp_code": code, "app_status": 1 });
            admin.post("/personnel/api/employees/", new).await.is(201);
            for (name, password) in [
                ("admin", "admin"),
                ("admin", "123456"),
                ("admin", ""),
                (&code, "123456"),
                (&code, &code),
                (&code, "None"),
                (&code, ""),
            ] {
                let body = json!({ "username": name, "password": password });
                let status = test.nobody().post(door, body).await.status;
                assert!(
                    matches!(status, 400 | 401),
                    "{name} {password:?} at {door}: {status}"
                );
            }
            // Nor is the administrator closed out.
            test.app.clock.advance(TimeDelta::minutes(1));
        }
    })
    .await;
}

#[tokio::test]
async fn attack_08_too_many_failures_close_an_account_to_that_address_alone() {
    on_both_with(
        |config| config.api.trusted_proxies = vec!["127.0.0.1".into()],
        |test| async move {
            add_user(&test, "ops", "operator").await;
            let from = |address: &'static str, name: &'static str, password: &'static str| {
                let request = test
                    .nobody()
                    .request(Method::POST, "/api-token-auth/")
                    .header("x-forwarded-for", address)
                    .json(&json!({ "username": name, "password": password }));
                Got::from(request)
            };
            for _ in 0..10 {
                from("192.0.2.1", "admin", "wrong").await.is(400);
            }
            let shut = from("192.0.2.1", "admin", PASSWORD).await;
            assert_eq!(
                shut.is(429),
                json!({ "detail": "Request was throttled. Expected available in 60 seconds." })
            );
            assert_eq!(shut.header("retry-after"), "60");
            from("192.0.2.2", "admin", PASSWORD).await.is(200);
            from("192.0.2.1", "ops", PASSWORD).await.is(200);
            // It is closed for this minute, and no longer.
            test.app.clock.advance(TimeDelta::milliseconds(58_500));
            let shut = from("192.0.2.1", "admin", PASSWORD).await;
            shut.is(429);
            assert_eq!(shut.header("retry-after"), "2");
            test.app.clock.advance(TimeDelta::milliseconds(1_500));
            from("192.0.2.1", "admin", PASSWORD).await.is(200);
            // An unknown name is closed alike: it cannot be told from a known one.
            for _ in 0..10 {
                from("192.0.2.1", "nobody", "wrong").await.is(400);
            }
            from("192.0.2.1", "nobody", "wrong").await.is(429);
        },
    )
    .await;
}

#[tokio::test]
async fn attack_08_an_address_is_its_network_however_it_is_written() {
    on_both_with(
        |config| config.api.trusted_proxies = vec!["127.0.0.1".into()],
        |test| async move {
            let from = async |address: &str, password: &str| {
                let body = json!({ "username": "admin", "password": password });
                let request = test
                    .nobody()
                    .request(Method::POST, "/api-token-auth/")
                    .header("x-forwarded-for", address)
                    .json(&body);
                Got::from(request).await
            };
            for number in 0..10 {
                let address = format!("2001:db8:1:2::{number:x}");
                from(&address, "wrong").await.is(400);
            }
            from("2001:db8:1:2:ffff::1", PASSWORD).await.is(429);
            from("2001:db8:1:3::1", PASSWORD).await.is(200);
            for address in ["203.0.113.50", "::ffff:203.0.113.50"].repeat(5) {
                from(address, "wrong").await.is(400);
            }
            for address in ["203.0.113.50", "::ffff:203.0.113.50"] {
                from(address, PASSWORD).await.is(429);
            }
            from("::ffff:203.0.113.51", PASSWORD).await.is(200);
        },
    )
    .await;
}

#[tokio::test]
async fn each_bad_credential_has_its_own_text() {
    on_both(|test| async move {
        let cases = [
            (None, "Authentication credentials were not provided."),
            (
                Some("Basic YWRtaW46eA=="),
                "Authentication credentials were not provided.",
            ),
            (
                Some("Digest x"),
                "Authentication credentials were not provided.",
            ),
            (
                Some("Token"),
                "Invalid token header. No credentials provided.",
            ),
            (
                Some("jwt"),
                "Invalid token header. No credentials provided.",
            ),
            (
                Some("Token a b"),
                "Invalid token header. Token string should not contain spaces.",
            ),
            (
                Some("Token 0123456789012345678901234567890123456789"),
                "Invalid token.",
            ),
            (Some("mst_0123456789"), "Invalid token."),
            (Some("JWT garbage"), "Error decoding token."),
            (Some("JWT a.b.c"), "Error decoding token."),
        ];
        for (authorization, detail) in cases {
            let caller = match authorization {
                Some(authorization) => test.with(authorization),
                None => test.nobody(),
            };
            let got = caller.get(TERMINALS).await;
            assert_eq!(
                got.is(401),
                json!({ "detail": detail }),
                "{authorization:?}"
            );
            assert!(!got.header("www-authenticate").is_empty());
        }
        assert_eq!(
            test.with("Bearer a.b.c").get(TERMINALS).await.is(401),
            json!({
                "detail": "Given token not valid for any token type",
                "code": "token_not_valid",
                "messages": [{
                    "token_class": "AccessToken",
                    "token_type": "access",
                    "message": "Token is invalid or expired",
                }],
            })
        );
    })
    .await;
}

#[tokio::test]
async fn attack_10_a_forged_token_is_refused() {
    on_both(|test| async move {
        let token = test.log_in("/api/jwt-api-token-auth/", "admin").await;
        let good = claims(&token);
        let encode = |part: &Value| {
            base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(part.to_string().as_bytes())
        };
        let none = encode(&json!({ "typ": "JWT", "alg": "none" }));
        let mut forged = vec![
            format!("{none}.{}.", encode(&good)),
            format!(
                "{none}.{}.{}",
                encode(&good),
                token.rsplit('.').next().expect("three")
            ),
            format!("{}.{}.x", "e".repeat(100_000), encode(&good)),
        ];
        for secret in ["", "secret", "biotime", "django-insecure", "muster"] {
            for algorithm in [Algorithm::HS256, Algorithm::HS512] {
                let mut header = Header::new(algorithm);
                header.kid = Some("../../dev/null".into());
                let key = EncodingKey::from_secret(secret.as_bytes());
                forged.push(jsonwebtoken::encode(&header, &good, &key).expect("signed"));
            }
        }
        // The right signature under other claims.
        let mut other = good.clone();
        other["exp"] = json!(9_999_999_999_i64);
        let parts: Vec<&str> = token.split('.').collect();
        forged.push(format!("{}.{}.{}", parts[0], encode(&other), parts[2]));
        for token in forged {
            let got = test.with(&format!("Bearer {token}")).get(TERMINALS).await;
            assert!(
                matches!(got.status, 401 | 431),
                "{} {:.80}",
                got.status,
                token
            );
        }
    })
    .await;
}

#[tokio::test]
async fn attack_11_a_token_ends_with_its_time() {
    on_both(|test| async move {
        let signed = test.log_in("/api/jwt-api-token-auth/", "admin").await;
        let simple = test.log_in("/jwt-api-token-auth/", "admin").await;
        let nobody = test.nobody();
        let pair = nobody
            .post("/api/jwt-api-token-auth/", admin())
            .await
            .is(200);
        test.app.clock.advance(TimeDelta::seconds(300));
        let expired = test.with(&format!("Bearer {signed}")).get(TERMINALS).await;
        assert_eq!(
            expired.is(401)["messages"][0]["message"],
            "Token is invalid or expired"
        );
        test.with(&format!("JWT {simple}"))
            .get(TERMINALS)
            .await
            .is(200);
        test.app.clock.advance(TimeDelta::days(7));
        assert_eq!(
            test.with(&format!("JWT {simple}"))
                .get(TERMINALS)
                .await
                .is(401),
            json!({ "detail": "Signature has expired." })
        );
        assert_eq!(
            nobody
                .post(
                    "/api/jwt-api-token-refresh/",
                    json!({ "refresh": pair["refresh"] })
                )
                .await
                .is(401),
            json!({ "detail": "Token is invalid or expired", "code": "token_not_valid" })
        );
    })
    .await;
}

#[tokio::test]
async fn attack_11_a_good_signature_under_bad_claims_lets_nobody_in() {
    on_both(|test| async move {
        let staff = test.staff("1001").await;
        let own = "/personnel/api/employees/1001/";
        staff.get(own).await.is(200);
        let app = &test.app;
        let user = user::find_by_name(app, "admin").await.expect("read");
        let user = login::subject_of_user(user.expect("there"));
        let employee = staff::find_by_code(app, "1001").await.expect("read");
        let employee = login::subject_of_employee(employee.expect("there"));
        let of_user = claims(&test.log_in("/api/jwt-api-token-auth/", "admin").await);
        let of_staff = claims(&test.log_in("/staff-jwt-api-token-auth/", "1001").await);
        let now = app.clock.now().timestamp();
        let changed = |claims: &Value, member: &str, value: Value| {
            let mut claims = claims.clone();
            claims[member] = value;
            claims
        };
        let without = |claims: &Value, member: &str| {
            let mut claims = claims.clone();
            let members = claims.as_object_mut().expect("an object");
            members.shift_remove(member).expect("there");
            claims
        };
        let answer = async |token: &str, path: &str| {
            let caller = test.with(&format!("Bearer {token}"));
            caller.get(path).await.status
        };
        for (subject, good, path) in [(&user, &of_user, TERMINALS), (&employee, &of_staff, own)] {
            let signed = |claims: &Value| token::sign(app, subject, claims).expect("signed");
            let token = signed(good);
            assert_eq!(answer(&token, path).await, 200);
            let claimed = signed(&changed(good, "nbf", json!(now)));
            assert_eq!(answer(&claimed, path).await, 200);
            for bad in [
                without(good, "exp"),
                changed(good, "exp", json!((now + 60).to_string())),
                changed(good, "exp", json!(null)),
                changed(good, "exp", json!(1e300)),
                changed(good, "exp", json!([now + 60])),
                changed(good, "exp", json!(now)),
                changed(good, "nbf", json!(now + 1)),
                changed(good, "nbf", json!("0")),
                changed(good, "profile", json!("Root")),
                without(good, "user_id"),
                changed(good, "user_id", json!(1)),
                changed(good, "user_id", json!("1000000002")),
            ] {
                assert_eq!(answer(&signed(&bad), path).await, 401, "{bad}");
            }
            // Another way to sign than ours, said or done.
            let parts: Vec<&str> = token.split('.').collect();
            for algorithm in ["RS256", "PS256", "ES256", "EdDSA", "HS384", "none"] {
                let header = json!({ "typ": "JWT", "alg": algorithm }).to_string();
                let header = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(header);
                let token = format!("{header}.{}.{}", parts[1], parts[2]);
                assert_eq!(answer(&token, path).await, 401, "{algorithm}");
            }
            let pair = rcgen::KeyPair::generate().expect("a pair of keys");
            let key = EncodingKey::from_ec_der(pair.serialized_der());
            let header = Header::new(Algorithm::ES256);
            let token = jsonwebtoken::encode(&header, good, &key).expect("signed");
            assert_eq!(answer(&token, path).await, 401);
            let public = pair.public_key_pem();
            let key = EncodingKey::from_secret(public.as_bytes());
            let header = Header::new(Algorithm::HS256);
            let token = jsonwebtoken::encode(&header, good, &key).expect("signed");
            assert_eq!(answer(&token, path).await, 401);
        }
        // Each signs for himself alone.
        for (subject, good, other) in [
            (&employee, &of_staff, &of_user),
            (&employee, &of_user, &of_user),
            (&user, &of_user, &of_staff),
        ] {
            let forged = changed(good, "user_id", other["user_id"].clone());
            let token = token::sign(app, subject, &forged).expect("signed");
            for path in [TERMINALS, own] {
                assert_eq!(answer(&token, path).await, 401, "{forged}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn attack_12_access_and_refresh_are_not_taken_for_one_another() {
    on_both(|test| async move {
        let nobody = test.nobody();
        let pair = nobody
            .post("/api/jwt-api-token-auth/", admin())
            .await
            .is(200);
        let refresh = pair["refresh"].as_str().expect("a token");
        let got = test.with(&format!("Bearer {refresh}")).get(TERMINALS).await;
        assert_eq!(
            got.is(401)["messages"][0]["message"],
            "Token has wrong type"
        );
        assert_eq!(
            nobody
                .post(
                    "/api/jwt-api-token-refresh/",
                    json!({ "refresh": pair["access"] })
                )
                .await
                .is(401),
            json!({ "detail": "Token has wrong type", "code": "token_not_valid" })
        );
        assert_eq!(
            nobody
                .post("/api/jwt-api-token-refresh/", json!({}))
                .await
                .is(400),
            json!({ "refresh": ["This field is required."] })
        );
    })
    .await;
}

#[tokio::test]
async fn attack_12_44_another_password_or_a_disabled_account_ends_every_token_at_once() {
    on_both(|test| async move {
        add_user(&test, "ops", "operator").await;
        let everything = async |password: &str| {
            let body = json!({ "username": "ops", "password": password });
            let mut tokens = Vec::new();
            for door in [
                "/api/api-token-auth/",
                "/api/jwt-api-token-auth/",
                "/jwt-api-token-auth/",
            ] {
                let answer = test.nobody().post(door, body.clone()).await.is(200);
                tokens.push(answer["token"].as_str().expect("a token").to_owned());
                if let Some(refresh) = answer["refresh"].as_str() {
                    tokens.push(refresh.to_owned());
                }
            }
            tokens
        };
        let all_are_refused = async |tokens: Vec<String>| {
            for token in tokens {
                test.with(&format!("Bearer {token}"))
                    .get(TERMINALS)
                    .await
                    .is(401);
                test.nobody()
                    .post("/api/jwt-api-token-refresh/", json!({ "refresh": token }))
                    .await
                    .is(401);
            }
        };
        let tokens = everything(PASSWORD).await;
        test.with(&format!("Bearer {}", tokens[0]))
            .get(TERMINALS)
            .await
            .is(200);
        let system = Caller::system();
        user::set_password(&test.app, &system, "ops", "another password")
            .await
            .expect("changed");
        all_are_refused(tokens).await;

        let tokens = everything("another password").await;
        user::set_active(&test.app, &system, "ops", false)
            .await
            .expect("shut out");
        all_are_refused(tokens.clone()).await;
        test.app.clock.advance(TimeDelta::seconds(1));
        let body = json!({ "username": "ops", "password": "another password" });
        test.nobody().post("/api-token-auth/", body).await.is(400);
        user::set_active(&test.app, &system, "ops", true)
            .await
            .expect("let in");
        all_are_refused(tokens).await;
    })
    .await;
}

#[tokio::test]
async fn another_own_password_ends_an_employees_tokens_at_once() {
    on_both(|test| async move {
        test.staff("1001").await;
        let doors = DOORS.iter().filter(|door| door.contains("staff"));
        let mut all = Vec::new();
        for door in doors.clone() {
            let token = test.log_in(door, "1001").await;
            all.push(test.with(&format!("Bearer {token}")));
        }
        let own = "/personnel/api/employees/1001/";
        for staff in &all {
            staff.get(own).await.is(200);
        }
        let admin = test.easytimepro().await;
        let new = json!({ "self_password": "lamp oil and rope" });
        admin.patch(own, new).await.is(200);
        for staff in &all {
            staff.get(own).await.is(401);
        }
        for door in doors {
            let login = |password: &str| json!({ "username": "1001", "password": password });
            test.nobody().post(door, login(PASSWORD)).await.is(400);
            let token = test
                .nobody()
                .post(door, login("lamp oil and rope"))
                .await
                .is(200);
            let token = token["token"].as_str().expect("a token");
            test.with(&format!("Bearer {token}")).get(own).await.is(200);
        }
    })
    .await;
}

#[tokio::test]
async fn a_hash_made_elsewhere_lets_in_and_is_replaced() {
    on_both(|test| async move {
        let admin = test.easytimepro().await;
        // What another system keeps for "lamp oil and rope".
        let hash = djangohashers::make_password_with_settings(
            "lamp oil and rope",
            "g708QX09ch0K",
            djangohashers::Algorithm::PBKDF2,
        );
        let new = json!({ "emp_code": "9363", "self_password": hash, "app_status": 1 });
        admin.post("/personnel/api/employees/", new).await.is(201);
        let body = json!({ "username": "9363", "password": "lamp oil and rope" });
        let now = test.app.clock.now().timestamp();
        let nobody = test.nobody();
        let signed = nobody
            .post("/api/staff-jwt-api-token-auth/", body.clone())
            .await
            .is(200);
        let read = claims(signed["token"].as_str().expect("a token"));
        assert_eq!(
            read,
            json!({
                "user_id": read["user_id"], "username": "9363", "exp": now + 604_800,
                "email": null, "orig_iat": now,
            })
        );
        assert_eq!(read["user_id"], "1000000001");
        let ours = test
            .number("SELECT count(*) FROM employee WHERE self_password_hash LIKE '$argon2id$%'")
            .await;
        assert_eq!(ours, 1);
        let lasting = nobody.post("/staff-api-token-auth/", body).await.is(200);
        for token in [&signed, &lasting] {
            let token = token["token"].as_str().expect("a token");
            let own = test.with(&format!("JWT {token}"));
            own.get("/personnel/api/employees/9363/").await.is(200);
        }
        // The hash itself is no password, and who may not use the app does not come in.
        let body = json!({ "username": "9363", "password": hash });
        nobody
            .post("/api/staff-api-token-auth/", body)
            .await
            .is(400);
        admin
            .patch("/personnel/api/employees/9363/", json!({ "app_status": 0 }))
            .await
            .is(200);
        let own = test.with(&format!(
            "JWT {}",
            signed["token"].as_str().expect("a token")
        ));
        own.get("/personnel/api/employees/9363/").await.is(401);
    })
    .await;
}

#[tokio::test]
async fn attack_13_only_an_api_client_may_show_its_token_in_the_query() {
    on_both(|test| async move {
        let client = test.easytimepro().await;
        let of_client = client.authorization.as_deref().expect("a token");
        let of_client = of_client.strip_prefix("Token ").expect("a word");
        let lasting = test.log_in("/api/api-token-auth/", "admin").await;
        let signed = test.log_in("/api/jwt-api-token-auth/", "admin").await;
        let nobody = test.nobody();
        let path = |name: &str, token: &str| format!("{TERMINALS}?{name}={token}");
        nobody.get(&path("access_token", of_client)).await.is(200);
        for token in [&lasting, &signed] {
            nobody.get(&path("access_token", token)).await.is(401);
        }
        nobody.get(&path("token", of_client)).await.is(401);
        let cookie = nobody.request(Method::GET, TERMINALS).header(
            "cookie",
            format!("access_token={of_client}; sessionid={lasting}"),
        );
        Got::from(cookie).await.is(401);
    })
    .await;
    on_both_with(
        |config| config.api.query_token = false,
        |test| async move {
            let client = test.easytimepro().await;
            let token = client.authorization.as_deref().expect("a token");
            let token = token.strip_prefix("Token ").expect("a word");
            test.nobody()
                .get(&format!("{TERMINALS}?access_token={token}"))
                .await
                .is(401);
        },
    )
    .await;
}

#[tokio::test]
async fn a_client_ends_when_it_is_revoked_expires_or_calls_from_elsewhere() {
    on_both(|test| async move {
        let add = async |name: &str, addresses: &[&str], days: Option<i64>| {
            let new = NewClient {
                name: name.into(),
                profile: Profile::BioTime,
                rights: Rights::viewer(),
                addresses: addresses.iter().map(|address| (*address).into()).collect(),
                expires_at: days.map(|days| test.app.clock.now() + TimeDelta::days(days)),
            };
            let token = client::add(&test.app, &Caller::system(), new)
                .await
                .expect("added");
            format!("Token {token}")
        };
        let revoked = add("revoked", &[], None).await;
        let expires = add("expires", &["127.0.0.0/8"], Some(1)).await;
        let elsewhere = add("elsewhere", &["192.0.2.0/24"], None).await;
        test.with(&revoked).get(TERMINALS).await.is(200);
        test.with(&expires).get(TERMINALS).await.is(200);
        test.with(&elsewhere).get(TERMINALS).await.is(401);
        client::revoke(&test.app, &Caller::system(), "revoked")
            .await
            .expect("revoked");
        test.with(&revoked).get(TERMINALS).await.is(401);
        test.app.clock.advance(TimeDelta::days(1));
        test.with(&expires).get(TERMINALS).await.is(401);
        let used = test
            .number("SELECT count(*) FROM api_client WHERE last_used_at IS NOT NULL")
            .await;
        assert_eq!(used, 2, "a refused use is none");
    })
    .await;
}

#[tokio::test]
async fn http_basic_is_taken_when_it_is_switched_on_and_speaks_biotime() {
    let basic = |password: &str| {
        let pair = format!("admin:{password}");
        format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(pair))
    };
    on_both_with(
        |config| config.api.basic = true,
        |test| async move {
            let caller = test.with(&basic(PASSWORD));
            let new =
                json!({ "sn": "A1", "alias": "a", "ip_address": "10.0.0.1", "terminal_tz": 8 });
            let made = caller.post(TERMINALS, new).await.is(201);
            assert_eq!(made["terminal_tz"], 8);
            assert_eq!(
                test.with(&basic("wrong")).get(TERMINALS).await.is(401),
                json!({ "detail": "Invalid username/password." })
            );
            user::set_password(&test.app, &Caller::system(), "admin", "another password")
                .await
                .expect("changed");
            caller.get(TERMINALS).await.is(401);
        },
    )
    .await;
}

#[tokio::test]
async fn a_login_is_written_down_and_no_secret_with_it() {
    on_both(|test| async move {
        let before = test.number("SELECT count(*) FROM audit").await;
        test.log_in("/api/jwt-api-token-auth/", "admin").await;
        let rows: Vec<(String, String, Option<String>, String, String)> = test
            .app
            .store
            .all(&muster_store::Sql::new(
                "SELECT actor_kind, actor, address, action, thing FROM audit ORDER BY id DESC",
                [],
            ))
            .await
            .expect("rows");
        assert_eq!(rows.len() as i64, before + 1);
        assert_eq!(
            rows[0],
            (
                "user".into(),
                "admin".into(),
                Some("127.0.0.1".into()),
                "login".into(),
                "user".into()
            )
        );
    })
    .await;
}

#[tokio::test]
async fn who_is_refused_is_written_down_at_every_door() {
    on_both_with(
        |config| config.api.basic = true,
        |test| async move {
            add_user(&test, "ops", "operator").await;
            user::set_active(&test.app, &Caller::system(), "ops", false)
                .await
                .expect("shut out");
            let mut expected = Vec::new();
            for door in DOORS {
                let login = json!({ "username": "nobody", "password": "wrong" });
                let status = test.nobody().post(door, login).await.status;
                assert!(matches!(status, 400 | 401), "{door}: {status}");
                let thing = match door.contains("staff") {
                    true => "employee",
                    false => "user",
                };
                expected.push(("login_refused", thing, "nobody"));
            }
            // The password is right, the user shut out.
            let login = json!({ "username": "ops", "password": PASSWORD });
            test.nobody().post("/api-token-auth/", login).await.is(400);
            expected.push(("login_refused", "user", "ops"));
            let basic = |pair: &str| {
                let pair = base64::prelude::BASE64_STANDARD.encode(pair);
                test.with(&format!("Basic {pair}"))
            };
            basic("ad\u{1b}min:wrong").get(TERMINALS).await.is(401);
            expected.push(("login_refused", "user", "admin"));
            // A program that shows its password at every request has logged in once.
            let right = basic(&format!("admin:{PASSWORD}"));
            right.get(TERMINALS).await.is(200);
            right.get(TERMINALS).await.is(200);
            expected.push(("login", "user", "admin"));
            let rows: Vec<(String, String, String, Option<String>)> = test
                .app
                .store
                .all(&muster_store::Sql::new(
                    "SELECT action, thing, thing_id, address FROM audit \
                     WHERE action LIKE 'login%' ORDER BY id",
                    [],
                ))
                .await
                .expect("rows");
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(action, thing, name)| {
                    let address = Some("127.0.0.1".to_owned());
                    (action.into(), thing.into(), name.into(), address)
                })
                .collect();
            assert_eq!(rows, expected);
        },
    )
    .await;
}
