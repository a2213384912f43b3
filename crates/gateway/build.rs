//! A console that was built anew is taken in by the next build.

fn main() {
    println!("cargo:rerun-if-changed=../../console/dist");
}
