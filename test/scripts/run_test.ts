import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { e2e, isRoot, run, type RunResult, tempDir } from "../e2e/support.ts";

const scripts = decodeURIComponent(new URL("../../scripts/", import.meta.url).pathname);

/** Tools that the script may use as they are; everything else on its PATH is a stand-in. */
const REAL_TOOLS = ["sh", "cat", "chmod", "dirname", "env", "id", "mkdir", "sed", "uname"];

/** A Deno that answers the script's questions and says with what it was started. */
const DENO = `
case $1 in
  eval) case $* in
    *execPath*) echo "$0" ;;
    *) [ -e "$SANDBOX/libpcap" ] ;;
  esac ;;
  info) printf '{\\n  "denoDir": "/the cache",\\n}\\n' ;;
  cache) echo "deno cache" >>"$SANDBOX/log" ;;
  run) { printf '%s' "in $PWD, DENO_DIR=\${DENO_DIR:-}: deno"; printf ' [%s]' "$@"; echo; } >>"$SANDBOX/log" ;;
esac`;

const OLD_DENO = `[ "$1" = eval ] || echo "old deno $*" >>"$SANDBOX/log"`;
const SUDO = `echo "sudo $1" >>"$SANDBOX/log"; exec "$@"`;

/** A package manager that makes libpcap appear. */
const packageManager = (name: string) => `echo "${name} $*" >>"$SANDBOX/log"; : >"$SANDBOX/libpcap"`;

/** A system where only what a test gives it is installed. */
interface Sandbox extends AsyncDisposable {
  /** What the stand-ins have noted. */
  log(): string[];
  run(...args: string[]): Promise<RunResult>;
}

/** Makes a sandbox with these commands, each a shell script, and with libpcap where it is not taken away. */
async function sandbox(commands: Record<string, string>, libpcap = true): Promise<Sandbox> {
  const directory = await tempDir();
  const path = `${directory.path}/a sandbox`;
  const install = (file: string, script: string) =>
    Deno.writeTextFile(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  for (const name of ["", "/bin", "/checkout", "/checkout/scripts", "/home", "/elsewhere"]) {
    await Deno.mkdir(`${path}${name}`);
    await Deno.chmod(`${path}${name}`, 0o777);
  }
  for (const name of ["run.sh", "lib.sh", "permissions.txt"]) {
    await Deno.copyFile(`${scripts}${name}`, `${path}/checkout/scripts/${name}`);
  }
  for (const tool of REAL_TOOLS) {
    await Deno.symlink((await run("which", [tool])).stdout.trim(), `${path}/bin/${tool}`);
  }
  for (const [name, script] of Object.entries(commands)) await install(`${path}/bin/${name}`, script);
  await install(`${path}/deno-to-install`, DENO);
  if (libpcap) await Deno.writeTextFile(`${path}/libpcap`, "");
  return {
    log: () => {
      try {
        return Deno.readTextFileSync(`${path}/log`).replaceAll(path, "SANDBOX").trimEnd().split("\n");
      } catch {
        return [];
      }
    },
    run: (...args) =>
      run(`${path}/bin/sh`, [`${path}/checkout/scripts/run.sh`, ...args], {
        // Root may capture without sudo, so these tests are another user.
        ...(isRoot() ? { uid: 65534, gid: 65534 } : {}),
        cwd: `${path}/elsewhere`,
        clearEnv: true,
        env: { PATH: `${path}/bin`, HOME: `${path}/home`, SANDBOX: path },
      }),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

const STARTED =
  "deno [run] [--no-prompt] [--allow-ffi] [--allow-net=127.0.0.1] [--allow-read] [--allow-write] " +
  "[--config] [SANDBOX/checkout/deno.json] [SANDBOX/checkout/main.ts]";

e2e(
  "run.sh reads a file without sudo, in the caller's directory, with its arguments as they are",
  {},
  async () => {
    await using system = await sandbox({ deno: DENO, sudo: SUDO });
    for (
      const args of [["-r", "my file"], ["--read=my file"], ["-o", "json", "-qrmy file"], [
        "--read",
        "my file",
      ]]
    ) {
      const result = await system.run(...args);
      assertEquals(result, { code: 0, stdout: "", stderr: "" });
      const started = `${STARTED} ${args.map((argument) => `[${argument}]`).join(" ")}`;
      assertEquals(system.log().at(-1), `in SANDBOX/elsewhere, DENO_DIR=: ${started}`);
    }
  },
);

e2e("run.sh captures live through sudo, with the user's cache filled first and passed on", {}, async () => {
  await using system = await sandbox({ deno: DENO, sudo: SUDO });
  const result = await system.run("-i", "an interface");
  assertEquals(result.code, 0, result.stderr);
  assertEquals(result.stderr, "Capturing needs root: starting with sudo.\n");
  assertEquals(system.log(), [
    "deno cache",
    "sudo env",
    "in SANDBOX/elsewhere, DENO_DIR=/the cache: " +
    STARTED.replace("[run]", "[run] [--no-code-cache] [--cached-only]") + " [-i] [an interface]",
  ]);
});

e2e("run.sh starts live capture without sudo where there is no sudo", {}, async () => {
  await using system = await sandbox({ deno: DENO });
  assertEquals((await system.run()).stderr, "");
  assertEquals(system.log(), [`in SANDBOX/elsewhere, DENO_DIR=: ${STARTED}`]);
});

e2e("run.sh needs neither libpcap nor sudo for help, version and devices", {}, async () => {
  for (
    const args of [["--help"], ["demo", "-h"], ["--version"], ["-i", "eth0", "--help"], ["devices", "--help"]]
  ) {
    await using system = await sandbox({ deno: DENO, sudo: SUDO }, false);
    const result = await system.run(...args);
    assertEquals(result, { code: 0, stdout: "", stderr: "" });
    assertEquals(system.log().length, 1);
  }
  await using system = await sandbox({ deno: DENO, sudo: SUDO });
  await system.run("devices");
  assertEquals(system.log(), [`in SANDBOX/elsewhere, DENO_DIR=: ${STARTED} [devices]`]);
});

e2e("run.sh says that it installs Deno with npm, then does, into the home directory", {}, async () => {
  const npm = `echo "npm $*" >>"$SANDBOX/log"
    mkdir -p "$HOME/.deno/bin" && cat "$SANDBOX/deno-to-install" >"$HOME/.deno/bin/deno" && chmod +x "$HOME/.deno/bin/deno"`;
  await using system = await sandbox({ npm });
  const first = await system.run("-r", "file");
  assertEquals(first.code, 0, first.stderr);
  assertMatch(first.stderr, /^Installing Deno \d+\.\d+\.\d+ into .*\/home\/\.deno with npm\.\n$/);
  assertMatch(
    system.log()[0] ?? "",
    /^npm install --global --prefix SANDBOX\/home\/\.deno deno@\d+\.\d+\.\d+$/,
  );
  assertEquals((await system.run("-r", "file")).stderr, "", "the second run finds what the first installed");
  assertEquals(system.log().length, 3);
});

e2e("run.sh installs Deno with the official installer where there is no npm or npm fails", {}, async () => {
  const curl = `echo "curl $*" >>"$SANDBOX/log"
    echo 'echo "installer $*" >>"$SANDBOX/log"; echo chatter; mkdir -p "$DENO_INSTALL/bin"'
    echo 'cat "$SANDBOX/deno-to-install" >"$DENO_INSTALL/bin/deno"; chmod +x "$DENO_INSTALL/bin/deno"'`;
  for (const npm of [{}, { npm: "exit 1" }]) {
    await using system = await sandbox({ ...npm, curl, unzip: "" });
    const result = await system.run("-r", "file");
    assertEquals(result.code, 0, result.stderr);
    assertEquals(result.stdout, "");
    assertStringIncludes(result.stderr, "with https://deno.land/install.sh.\n");
    assertEquals(system.log()[0], "curl -fsSL https://deno.land/install.sh");
    assertMatch(system.log()[1] ?? "", /^installer v\d+\.\d+\.\d+$/);
  }
});

e2e("run.sh says so when no way of installing Deno works", {}, async () => {
  await using system = await sandbox({ npm: "exit 1", curl: "exit 22", unzip: "" });
  const result = await system.run("-r", "file");
  assertEquals(result.code, 1);
  assertMatch(result.stderr, /\nDeno could not be installed\. [^\n]*\n$/);
});

e2e("run.sh does not use a Deno that is too old", {}, async () => {
  await using system = await sandbox({ deno: OLD_DENO, npm: "exit 1", curl: "exit 22", unzip: "" });
  const result = await system.run("-r", "file");
  assertEquals(result.code, 1);
  assertMatch(
    result.stderr,
    /^\S.*\/bin\/deno is not usable: Deno 2\.5 or newer is needed\.\nInstalling Deno/,
  );
  assertEquals(system.log(), []);
});

e2e(
  "run.sh says that it installs libpcap with the system's package manager, then does, as root",
  {},
  async () => {
    const managers = {
      "apt-get": ["libpcap0.8", "sudo env", "apt-get install -y --no-install-recommends libpcap0.8"],
      dnf: ["libpcap", "sudo dnf", "dnf install -y libpcap"],
      apk: ["libpcap", "sudo apk", "apk add libpcap"],
      pacman: ["libpcap", "sudo pacman", "pacman -S --noconfirm --needed libpcap"],
      brew: ["libpcap", "brew install libpcap"],
    };
    for (const [name, [wanted, ...steps]] of Object.entries(managers)) {
      await using system = await sandbox({ deno: DENO, sudo: SUDO, [name]: packageManager(name) }, false);
      const result = await system.run("-r", "file");
      assertEquals(result, { code: 0, stdout: "", stderr: `Installing ${wanted} with ${name}.\n` });
      assertEquals(system.log().slice(0, -1), steps);
    }
  },
);

e2e("run.sh refreshes the package lists when apt-get does not find libpcap", {}, async () => {
  const apt = `echo "apt-get $1" >>"$SANDBOX/log"
    case $1 in
      update) : >"$SANDBOX/fresh" ;;
      *) [ -e "$SANDBOX/fresh" ] && : >"$SANDBOX/libpcap" ;;
    esac`;
  await using system = await sandbox({ deno: DENO, sudo: SUDO, "apt-get": apt }, false);
  assertEquals((await system.run("-r", "file")).code, 0);
  assertEquals(system.log().filter((line) => line.startsWith("apt-get")), [
    "apt-get install",
    "apt-get update",
    "apt-get install",
  ]);
});

e2e("run.sh tells what to do when it cannot install libpcap", {}, async () => {
  await using bare = await sandbox({ deno: DENO }, false);
  const noManager = await bare.run("-r", "file");
  assertEquals(noManager.code, 1);
  assertMatch(noManager.stderr, /^Found none of [^\n]* Install libpcap and start again\.\n$/);

  await using powerless = await sandbox({ deno: DENO, apk: packageManager("apk") }, false);
  const noSudo = await powerless.run("-r", "file");
  assertEquals(noSudo.code, 1);
  assertMatch(
    noSudo.stderr,
    /\nRoot is needed, and there is no sudo here\. As root, run: apk add libpcap\n$/,
  );
});
