//! Pins what else leaves the building: Intel HEX as `objcopy` reads it, C that is C++ too, in a section of
//! its own.

mod common;

use std::process::Command;

use common::{EXPORTED, WARNINGS, has, run, text, write_export};
use table::{emit, example};

/// `objcopy` is of the cross compilers' binutils, which share nothing with us.
#[test]
fn hex_is_the_image() {
    let dir = tempfile::tempdir().expect("a folder");
    let tables = write_export(dir.path(), &example::model(9, 24, 5));
    let objcopy = "arm-none-eabi-objcopy";
    if !has(objcopy, "arm") {
        return;
    }
    let mut command = Command::new(objcopy);
    command.current_dir(dir.path());
    command.args(["-I", "ihex", "-O", "binary", "demo.hex", "back.bin"]);
    run(&mut command, objcopy);
    let back = std::fs::read(dir.path().join("back.bin")).expect("written");
    assert!(back == emit::blob(&tables));
}

/// As C and as C++, without a warning, with the arrays where `KNEADLAB_SECTION` says.
#[test]
fn exported_files_are_cpp_too_and_lie_in_their_section() {
    let dir = tempfile::tempdir().expect("a folder");
    write_export(dir.path(), &example::model(2, 4, 2));
    let languages: [(&str, &str, &str, &[&str]); 2] = [
        ("CC", "cc", "c", &["-std=c99"]),
        ("CXX", "c++", "c++", &["-std=c++11"]),
    ];
    for (variable, default, language, standard) in languages {
        let compiler = std::env::var(variable).unwrap_or_else(|_| default.into());
        if !has(&compiler, "cc") {
            return;
        }
        let program = dir.path().join(format!("selftest_{language}"));
        let mut command = Command::new(&compiler);
        command.current_dir(dir.path()).args(["-x", language]);
        command.args(standard).args(&WARNINGS[1..]);
        command.arg("-DKNEADLAB_SECTION=__attribute__((section(\"knl_tables\")))");
        command.arg("selftest_main.c").args(EXPORTED);
        run(command.arg("-o").arg(&program), &compiler);
        let said = text(&run(&mut Command::new(&program), "self test").stdout);
        assert!(said.ends_with("failed 0\n"), "{said}");
        let elf = std::fs::read(&program).expect("the program");
        let named = elf.windows(11).any(|w| w == b"knl_tables\0");
        assert!(
            named || !cfg!(target_os = "linux"),
            "no section as {language}"
        );
    }
}
