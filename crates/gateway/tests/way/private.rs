//! What rests on disk holds prompts and secrets: it is for its owner alone.

use std::os::unix::fs::PermissionsExt;

use waybill_gateway::{config::Config, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_data_folder_and_every_file_in_it_can_be_read_by_the_owner_alone() {
    let parent = tempfile::tempdir().unwrap();
    let mut config = Config::parse("listen = \"127.0.0.1:0\"", &|_| None).unwrap();
    config.data_dir = parent.path().join("made/at/start");
    let folder = config.data_dir.clone();
    let gateway = run::start(config).await.unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file) & 0o077, 0, "{}", file.display());
    }
    gateway.stop().await;
}
