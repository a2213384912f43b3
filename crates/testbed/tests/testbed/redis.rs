//! A Redis server of one's own.

use waybill_testbed::Redis;

use crate::support::{Asked, is_closed};

fn ask(redis: &Redis, command: &str, answer: &str) {
    let mut connection = Asked::at(redis.address());
    connection.send(format!("{command}\r\n").as_bytes());
    let received = connection.receive(answer.len());
    assert_eq!(String::from_utf8_lossy(&received), answer, "{command}");
}

#[test]
fn it_answers_where_it_says() {
    let redis = Redis::new().unwrap();
    assert_eq!(redis.url(), format!("redis://{}", redis.address()));
    ask(&redis, "PING", "+PONG\r\n");
}

#[test]
fn a_new_start_is_an_empty_one_on_the_same_port() {
    let redis = Redis::new().unwrap();
    let ends: [fn(&Redis); 2] = [|redis| redis.stop().unwrap(), |redis| redis.kill().unwrap()];
    for end in ends {
        ask(&redis, "SET book Momo", "+OK\r\n");
        ask(&redis, "GET book", "$4\r\nMomo\r\n");
        end(&redis);
        end(&redis);
        assert!(!redis.is_running());
        assert!(is_closed(redis.address()));
        redis.start().unwrap();
        redis.start().unwrap();
        ask(&redis, "GET book", "$-1\r\n");
    }
}

#[test]
fn a_suspended_server_says_nothing_and_answers_later() {
    let redis = Redis::new().unwrap();
    let mut connection = Asked::at(redis.address());
    connection.send(b"SET book Emil\r\n");
    assert_eq!(connection.receive(5), b"+OK\r\n");
    redis.suspend().unwrap();
    connection.send(b"GET book\r\n");
    let mut newcomer = Asked::at(redis.address());
    newcomer.send(b"GET book\r\n");
    assert!(connection.is_silent());
    assert!(newcomer.is_silent());
    redis.resume().unwrap();
    assert_eq!(connection.receive(10), b"$4\r\nEmil\r\n");
    assert_eq!(newcomer.receive(10), b"$4\r\nEmil\r\n");
}

#[test]
fn a_suspended_server_can_be_stopped_and_killed() {
    let redis = Redis::new().unwrap();
    redis.suspend().unwrap();
    redis.stop().unwrap();
    redis.start().unwrap();
    redis.suspend().unwrap();
    redis.kill().unwrap();
    redis.start().unwrap();
    ask(&redis, "PING", "+PONG\r\n");
}

#[test]
fn settings_can_be_given_and_a_refused_one_is_told() {
    let redis = Redis::with(&[("requirepass", "secret")]).unwrap();
    ask(&redis, "PING", "-NOAUTH");
    let error = Redis::with(&[("maxmemory", "much")]).unwrap_err();
    assert!(error.to_string().contains("maxmemory"), "{error}");
}

#[test]
fn nothing_is_left_of_one_that_is_dropped() {
    let redis = Redis::new().unwrap();
    let (address, folder) = (redis.address(), redis.folder().to_owned());
    assert!(folder.is_dir());
    assert!(redis.log().contains("Ready to accept connections"));
    drop(redis);
    assert!(is_closed(address));
    assert!(!folder.exists());
}
