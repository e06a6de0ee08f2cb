# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""export into folders of other users, when killed, and onto filesystems that lack features."""

import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import tempfile

import pytest

import refmodels as models
import refrepo
from conftest import ROOT, USER
from helpers import Terminal, assert_file, assert_same, preloaded
from test_commands import experts, names_in

STAGE = re.compile(r"\.(\w+)\.mxfs-\d+-\d+")


@pytest.fixture
def source(place):
    return models.gptoss_hf().write(place / "src" / "m.safetensors")


@pytest.fixture
def folder(place):
    """A model folder with a file to pass through, both in the root and in a subfolder."""
    sharded = refrepo.spread(models.gptoss_hf(), 3)
    sharded.write(place / "repo")
    (place / "repo" / "sub").mkdir()
    for name in ("passwd", "sub/passwd"):
        (place / "repo" / name).write_bytes(b"root::0:0:from the model:/root:/bin/sh\n")
    return place / "repo"


@pytest.fixture(scope="module")
def meddling(sanitized, tmp_path_factory):
    """An environment that preloads support/meddle.c between the program and the kernel."""
    if sanitized:
        pytest.skip("a preloaded library goes before the sanitizer's")
    return preloaded(ROOT / "tests/support/meddle.c", tmp_path_factory.mktemp("meddle"))


@pytest.fixture
def root():
    if os.geteuid() != 0:
        pytest.skip("needs root: files of several users")


def tree(path):
    """All files below a folder with their bytes, links with their targets, and folders."""
    found = {}
    for parent, folders, files in os.walk(path):
        for name in folders + files:
            full = os.path.join(parent, name)
            if os.path.islink(full):
                found[os.path.relpath(full, path)] = os.readlink(full)
            else:
                found[os.path.relpath(full, path)] = pathlib.Path(full).read_bytes() if name in files else None
    return found


def stages(path):
    return [name for name in os.listdir(path) if STAGE.fullmatch(name)]


# Replaces a stage by a link or folder of the attacker, or by another folder of root.
SWAP = r"""
cd "$ATTACKED" || exit 1
for stage in .*.mxfs-*; do
    [ -e "$stage" ] && [ "$WITH" != sub ] || continue
    mv -T "$stage" "taken.$$" || exit 1
    case $WITH in
    link) ln -s "$VICTIM" "$stage" ;;
    content) mkdir "$stage" && ln -s "$VICTIM" "$stage/mxfs-unfinished" ;;
    files) mkdir -p "$stage/mxfs-unfinished/sub" && ln -s "$VICTIM/passwd" "$stage/mxfs-unfinished/passwd" &&
        ln -s "$VICTIM/passwd" "$stage/passwd" && ln -s "$VICTIM/passwd" "$stage/mxfs-unfinished/sub/passwd" ;;
    closed | open) [ -e "$WITH" ] && mv -T "$WITH" "$stage" ;;
    esac
done
if [ "$WITH" = sub ] && [ -d sub ] && [ ! -L sub ]; then
    mv sub taken.sub && ln -s "$VICTIM" sub
fi
exit 0
"""
# Replaces a stage by a folder of the attacker and, once the export goes on there, its contents by a folder with files of root.
LURE = r"""
cd "$ATTACKED" || exit 1
for stage in .*.mxfs-*; do
    if [ -e "$stage" ] && [ ! -O "$stage" ]; then
        mv -T "$stage" "taken.$$" && mkdir "$stage"
    elif [ -e "$stage/mxfs-unfinished" ] && [ -e mine ]; then
        mv -T "$stage/mxfs-unfinished" "taken.$$" && mv -T mine "$stage/mxfs-unfinished"
    fi
done
exit 0
"""


@pytest.mark.usefixtures("root")
class TestFolderOfAnother:
    """Root exports to a place where another user can rename and replace everything."""

    @pytest.fixture
    def scene(self, place):
        """home/ belongs to the attacker, with two folders of root in it; etc/ belongs to root."""
        home, etc = place / "home", place / "etc"
        for path in (home, etc):
            path.mkdir()
        os.chown(home, USER, USER)
        (etc / "passwd").write_bytes(b"root:x:0:0:root:/root:/bin/bash\n")
        return home, etc

    def restore(self, home):
        """Resets home/: two folders of root, one of them writable by others, and one of root's in a folder of the
        attacker."""
        shutil.rmtree(home)
        home.mkdir()
        os.chown(home, USER, USER)
        for name, mode in (("closed", 0o700), ("open", 0o777)):
            (home / name / "kept").mkdir(parents=True)
            (home / name / "kept" / "passwd").write_bytes(b"precious")
            (home / name / "passwd").write_bytes(b"precious")
            (home / name).chmod(mode)
        (home / "mine" / "kept").mkdir(parents=True)
        (home / "mine" / "kept" / "passwd").write_bytes(b"precious")
        os.chown(home / "mine", USER, USER)

    def assert_kept(self, home, what):
        kept = [p for p in home.rglob("passwd") if not p.is_symlink() and p.read_bytes() == b"precious"]
        assert len(kept) == 5, what

    @pytest.mark.limit(400)
    @pytest.mark.parametrize("unnamed", [True, False], ids=["unnamed", "named"])
    @pytest.mark.parametrize("kind", ["file", "forced", "folder", "filled"])
    def test_stage_replaced(self, kind, unnamed, mxfs_bin, meddling, place, scene, source, folder):
        """The stage is replaced by links and other folders, at every call that makes, renames or removes something."""
        home, etc = scene
        before, swapped = tree(etc), 0
        dest = home if kind == "filled" else home / "x"
        what = folder if kind in ("folder", "filled") else source
        command = [mxfs_bin, "export", *(["--force"] if kind in ("forced", "filled") else []), what, dest]

        def export(**env):
            self.restore(home)
            if kind == "forced":
                (home / "x").write_bytes(b"old")
            env = {**os.environ, **meddling, **env} | ({} if unnamed else {"NO_TMPFILE": "1"})
            return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)

        assert export(MEDDLE='echo "$0 $1" >>"$STEPS"', STEPS=str(place / "steps")).returncode == 0
        steps = sorted(set((place / "steps").read_text().splitlines()))
        assert "after linkat" in steps or not unnamed
        for when in steps:
            for replacement in ["link", "content", "files", "closed", "open"] + (["sub"] if kind == "filled" else []):
                done = export(MEDDLE=SWAP, MEDDLE_UID=str(USER), MEDDLE_WHEN=when, WITH=replacement, ATTACKED=str(home), VICTIM=str(etc))
                case = f"{when}, {replacement}: {done}"
                assert done.returncode in (0, 6) and done.stderr.count("\n") == (done.returncode == 6), case
                assert tree(etc) == before, case
                self.assert_kept(home, case)
                swapped += any(name.startswith("taken") for name in os.listdir(home))
        assert swapped > 0 or (kind, unnamed) == ("file", True)  # that case needs no stage

    @pytest.mark.parametrize("unnamed", [True, False], ids=["unnamed", "named"])
    @pytest.mark.parametrize("kind", ["file", "forced", "folder", "filled"])
    def test_stage_of_the_attacker(self, kind, unnamed, mxfs_bin, meddling, scene, source, folder):
        """Export refuses a stage that another user owns, so it does not remove files that this user moved there."""
        home, etc = scene
        before = tree(etc)
        self.restore(home)
        if kind == "forced":
            (home / "x").write_bytes(b"old")
        env = {**os.environ, **meddling, "MEDDLE": LURE, "MEDDLE_UID": str(USER), "ATTACKED": str(home)} | ({} if unnamed else {"NO_TMPFILE": "1"})
        what = folder if kind in ("folder", "filled") else source
        done = subprocess.run([mxfs_bin, "export", "--force", what, home if kind == "filled" else home / "x"], env=env, capture_output=True, text=True, check=False)
        if (kind, unnamed) == ("file", True):
            assert done.returncode == 0, done
        else:
            assert done.returncode == 6 and done.stderr.endswith("another user replaced the temporary folder\n"), done
        assert tree(etc) == before
        self.assert_kept(home, done)

    @pytest.mark.parametrize("kind", ["folder", "filled"])
    def test_what_is_moved_away_stays_ours(self, kind, mxfs_bin, meddling, scene, folder):
        """If the attacker moves a filled stage away, it still belongs to root and is closed to others."""
        home, _ = scene
        env = {**os.environ, **meddling, "MEDDLE": SWAP, "MEDDLE_UID": str(USER), "MEDDLE_WHEN": "before renameat2", "NO_TMPFILE": "1"}
        env |= {"WITH": "nothing", "ATTACKED": str(home)}
        done = subprocess.run([mxfs_bin, "export", folder, home if kind == "filled" else home / "x"], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done
        made = home if kind == "filled" else home / "x"
        assert (made / "sub" / "passwd").read_bytes() == (folder / "passwd").read_bytes()
        (taken,) = home.glob("taken*")
        assert names_in(taken) == [] and taken.stat().st_uid == 0 and taken.stat().st_mode & 0o777 == 0o700

    def test_folder_replaced_by_a_link(self, run, scene, folder):
        """--force follows no link to a folder when it fills a folder."""
        home, etc = scene
        before = tree(etc)
        os.symlink(etc, home / "sub")
        os.lchown(home / "sub", USER, USER)
        run("export", "--force", folder, home).fails(6, "sub: Not a directory")
        assert tree(etc) == before and names_in(home) == ["sub"]

    def test_file_that_is_a_link(self, run, scene, folder):
        """--force replaces a link to a file, not its target, when it fills a folder."""
        home, etc = scene
        before = tree(etc)
        os.symlink(etc / "passwd", home / "passwd")
        run("export", folder, home).fails(6, "not empty")
        assert run("export", "--force", folder, home).rc == 0
        assert tree(etc) == before and not (home / "passwd").is_symlink()

    @pytest.mark.parametrize("target", ["etc", "etc/passwd", "etc/new"])
    def test_links_of_another(self, target, run, place, scene, source):
        """Another user's links may lead only to folders of that user, with or without --force."""
        home, etc = scene
        before = tree(etc)
        os.symlink(place / target, home / "link")
        os.lchown(home / "link", USER, USER)
        for dest in ("link", "link/x") if target == "etc" else ("link",):
            for force in ([], ["--force"]):
                run("export", *force, source, home / dest).fails(6, "another user's symbolic link")
        assert tree(etc) == before and names_in(home) == ["link"]

    @pytest.mark.parametrize("first", ["home", "third"])
    def test_links_of_two_others(self, first, run, place, scene, source):
        """Links of two users in one path are refused, whichever of the two owns the destination."""
        home, _ = scene
        (place / "third").mkdir()
        os.chown(place / "third", 1, 1)
        for path, target, owner in ((home / "link", place / "third", USER), (place / "third" / "to-home", home / "link", 1),
                                    (place / "third" / "link", place / "third", 1), (home / "to-third", place / "third" / "link", USER)):  # fmt: skip
            os.symlink(target, path)
            os.lchown(path, owner, owner)
        before = tree(place / "third")
        dest = home / "to-third" / "x" if first == "home" else place / "third" / "to-home" / "x"
        run("export", source, dest).fails(6, "another user's symbolic link")
        assert tree(place / "third") == before

    @pytest.mark.parametrize("owner", [0, USER])
    def test_links_that_are_followed(self, owner, run, place, scene, source):
        """Links are followed if root owns them, or the owner of their target: folders on the way and DEST itself."""
        home, _ = scene
        (home / "real").mkdir()
        os.chown(home / "real", USER, USER)
        (home / "real" / "old").write_bytes(b"old")
        for name, target in (("link", "real"), ("file", "link/old"), ("dangling", f"{home}/link/../real/./new")):
            os.symlink(target, home / name)
            os.lchown(home / name, owner, owner)
        assert run("export", source, home / "link" / "x").rc == 0
        assert run("export", "--force", source, home / "file").rc == 0
        assert run("export", source, home / "dangling").rc == 0
        for name in ("x", "old", "new"):
            assert_file(home / "real" / name, models.gptoss_hf().expected_bytes())
        assert names_in(home) == ["dangling", "file", "link", "real"]

    def test_links_without_end(self, run, place, source):
        os.symlink("b", place / "a")
        os.symlink("a", place / "b")
        run("export", source, place / "a" / "x").fails(6, "Too many levels")

    def test_what_may_look_like_a_stage(self, run, place, scene, source):
        """Export keeps folders of root that the attacker renamed to look like stages, one that others may write to, and a link's target."""
        home, _ = scene
        for name, mode in ((".x.mxfs-1-0", 0o755), (".x.mxfs-2-0", 0o777), (".x.mxfs-3-0", 0o700)):
            (home / name / "mxfs-unfinished").mkdir(parents=True)
            (home / name / "mxfs-unfinished" / "passwd").write_bytes(b"precious")
            (home / name).chmod(mode)
        for name in (".x.mxfs-2-0", ".x.mxfs-3-0"):
            (home / name / "mxfs-lock").write_bytes(b"")
        os.chown(home / ".x.mxfs-3-0", USER, USER)
        elsewhere = place / "elsewhere" / ".x.mxfs-4-0" / "mxfs-unfinished"
        elsewhere.mkdir(parents=True)
        (elsewhere.parent / "mxfs-lock").write_bytes(b"")
        (elsewhere / "passwd").write_bytes(b"precious")
        (home / ".x.mxfs-4-0").symlink_to(elsewhere.parent)
        before = tree(home)
        done = run("export", source, home / "x")
        assert (done.rc, done.err) == (0, "")
        (home / "x").unlink()
        assert tree(home) == before and (elsewhere / "passwd").exists()


def test_another_ordinary_user(as_user, place, source):
    """An ordinary user is protected as root is; the user's own links are followed, and own leftovers removed."""
    done = as_user(
        """
        mkdir mine other-leads-here; ln -s mine link
        mxfs export "$0" link/x && cmp mine/x <(mxfs export "$0" -)
        mkdir -p mine/.y.mxfs-7-0/mxfs-unfinished; touch mine/.y.mxfs-7-0/{mxfs-lock,mxfs-unfinished/z}
        mxfs export "$0" link/y; ls -A mine
        mxfs export "$0" theirs/x || echo rc=$?
        ls -A other-leads-here
        """.replace("$0", str(source)),
        prepare='ln -s "$HOME/other-leads-here" theirs && chown -h 1:1 theirs',
    )
    assert done.stdout == "x\ny\nrc=6\n", done
    assert re.fullmatch(
        r"mxfs: \S+/y: removed the leftovers of 1 killed export\nmxfs: \S+/theirs/x: another user's symbolic link .*\n", done.stderr
    ), done


class TestKilled:
    """After a SIGKILL in the middle DEST is unchanged, and the next export succeeds."""

    @pytest.fixture
    def model(self, place):
        (place / "src" / "sub").mkdir(parents=True)
        experts(place / "src" / "m.safetensors", 6)
        (place / "src" / "sub" / "a.txt").write_bytes(b"passed through\n")
        (place / "to").mkdir()
        return place / "src"

    def start(self, command, env, until="%"):
        """Starts a slow export and waits until it is under way."""
        running = Terminal("env", *[f"{k}={v}" for k, v in env.items()], *command, "--kernel=scalar", "--jobs=1")
        running.read_until(until)
        return running

    @pytest.mark.parametrize("unnamed", [True, False], ids=["unnamed", "named"])
    @pytest.mark.parametrize("kind", ["file", "forced", "folder", "filled", "refilled"])
    def test_killed_and_again(self, kind, unnamed, mxfs_bin, meddling, run, place, model):
        to = place / "to"
        dest = to if kind in ("filled", "refilled") else to / "x"
        if kind == "forced":
            dest.write_bytes(b"old")
        if kind == "refilled":
            (to / "mine").write_bytes(b"mine")
        before = names_in(to)
        force = ["--force"] if kind in ("forced", "refilled") else []
        what = model if kind in ("folder", "filled", "refilled") else model / "m.safetensors"
        running = self.start([mxfs_bin, "export", *force, what, dest], meddling if unnamed else {**meddling, "NO_TMPFILE": "1"})
        running.process.kill()
        assert running.finish()[0] == -signal.SIGKILL
        left = stages(to)
        assert len(left) == (0 if unnamed else 1) and [n for n in names_in(to) if n not in left] == before
        assert kind != "forced" or dest.read_bytes() == b"old"
        done = run("export", *force, what, dest)
        assert done.rc == 0, done
        assert re.fullmatch("" if unnamed else rf"mxfs: {dest}: removed the leftovers of 1 killed export\n", done.err), done
        made = dest / "m.safetensors" if dest == to or what == model else dest
        assert made.stat().st_size > 250e6 and stages(to) == []
        assert names_in(to) == (["m.safetensors", "sub"] if kind == "filled" else ["m.safetensors", "mine", "sub"] if dest == to else ["x"])
        shutil.rmtree(to)

    @pytest.mark.parametrize("unnamed", [True, False], ids=["unnamed", "named"])
    def test_killed_at_every_step(self, unnamed, mxfs_bin, meddling, run, place, folder):
        """Killed at each call that makes, renames or removes something: all or nothing is there, and the next export cleans up."""
        env = {**os.environ, **meddling, "MEDDLE": 'echo . >>"$STEPS"; [ $(wc -l <"$STEPS") != "$AT" ] || kill -9 $PPID', "STEPS": str(place / "steps")}
        env |= {} if unnamed else {"NO_TMPFILE": "1"}
        (place / "to").mkdir()
        dest, killed = place / "to" / "x", 0
        assert run("export", folder, place / "want").rc == 0
        want = tree(place / "want")
        for at in range(1, 500):
            (place / "steps").write_bytes(b"")
            done = subprocess.run([mxfs_bin, "export", folder, dest], env={**env, "AT": str(at)}, capture_output=True, text=True, check=False)
            assert done.returncode in (0, -signal.SIGKILL), done
            assert not dest.exists() or tree(dest) == want, at
            if done.returncode == 0:
                break
            killed += 1
            shutil.rmtree(dest, ignore_errors=True)
            assert run("export", folder, dest).rc == 0
            assert tree(dest) == want and names_in(place / "to") == ["x"], at
            shutil.rmtree(dest)
        assert killed > 10 and done.returncode == 0

    def test_a_running_export_is_left_alone(self, mxfs_bin, meddling, run, place, model):
        """A running export's stage is locked, so another export keeps it. The first to finish gets the name."""
        to = place / "to"
        running = self.start([mxfs_bin, "export", model, to / "x"], {**meddling, "NO_TMPFILE": "1"})
        running.process.send_signal(signal.SIGSTOP)
        try:
            assert run("export", model, to / "x").err == ""
            assert len(stages(to)) == 1
        finally:
            running.process.send_signal(signal.SIGCONT)
        status, text = running.finish()
        assert status == 6 and text.endswith(f"mxfs: {to}/x: File exists\r\n"), text
        assert names_in(to) == ["x"]
        shutil.rmtree(to)


class TestFilesystems:
    SCRIPT = r"""
        set -e
        mkdir disk && {mount} && cd disk{below}
        "$1" export "$2" file; "$1" export --force "$2" file; "$1" export "$3" new
        mkdir empty; "$1" export "$3" empty; "$1" export --force "$3" empty
        "$1" export "$2" file || echo refused; "$1" export "$3" new || echo refused
        cmp file "$2.want"; diff -r new empty; ls -A . empty
        """

    @pytest.mark.parametrize(
        "mount, below",
        [
            ("mount -t tmpfs none disk", ""),
            ("mount -t tmpfs none disk && mkdir disk/lower disk/upper disk/work disk/all && mount -t overlay -o lowerdir=disk/lower,upperdir=disk/upper,workdir=disk/work none disk/all", "/all"),
        ],
        ids=["tmpfs", "overlay"],
    )  # fmt: skip
    def test_mounted(self, mount, below, mxfs_bin, alone, place, source, folder):
        (place / "src" / "m.safetensors.want").write_bytes(models.gptoss_hf().expected_bytes())
        script = f'cd "{place}"' + self.SCRIPT.replace("{mount}", mount).replace("{below}", below)
        done = alone("bash", "-c", script, "bash", mxfs_bin, source, folder)
        if "unknown filesystem type" in done.stderr:
            pytest.skip("this kernel has no such filesystem")
        inside = "config.json\nmodel-00001-of-00003.safetensors\nmodel-00002-of-00003.safetensors\nmodel-00003-of-00003.safetensors\nmodel.safetensors.index.json\npasswd\nsub\n"
        assert done.stdout == f"refused\nrefused\n.:\nempty\nfile\nnew\n\nempty:\n{inside}", done
        assert len(done.stderr.splitlines()) == 2, done

    def test_one_that_can_do_little(self, run, serve, place, source, folder):
        """Export works without O_TMPFILE, links, RENAME_NOREPLACE and a block size."""
        (place / "below").mkdir()
        disk = serve("plainfs", place / "below")
        for dest, what, options in (("file", source, []), ("file", source, ["--force"]), ("new", folder, []), ("new", folder, ["--force"])):
            done = run("export", *options, what, disk / dest)
            assert (done.rc, done.err) == (0, ""), done
        run("export", source, disk / "file").fails(6, "exists")
        assert names_in(place / "below") == ["file", "new"]
        assert_file(place / "below" / "file", models.gptoss_hf().expected_bytes())
        assert run("export", folder, place / "want").rc == 0
        assert tree(place / "below" / "new") == tree(place / "want")

    @pytest.mark.parametrize("kind", ["new", "filled"])
    def test_more_files_than_descriptors(self, kind, mxfs_bin, place, folder):
        for i in range(200):
            (place / "repo" / "sub" / f"{i}.txt").write_text(str(i))
        (place / "out").mkdir(exist_ok=kind == "filled")
        dest = place / "out" / ("x" if kind == "new" else "")
        subprocess.run(
            [mxfs_bin, "export", folder, dest], check=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)),
        )  # fmt: skip
        assert len(names_in(dest / "sub")) == 201 and (dest / "sub" / "7.txt").read_text() == "7"
        assert stages(place / "out") == []

    def test_no_proc(self, mxfs_bin, sanitized, alone, place, source):
        """Without /proc an unnamed file cannot be named, so export uses a stage."""
        if sanitized:
            pytest.skip("the leak sanitizer wants /proc")
        done = alone("sh", "-c", 'umount -l /proc && "$0" export "$1" "$2" && ls -A "$3"', mxfs_bin, source, place / "x", place)
        assert (done.returncode, done.stdout, done.stderr) == (0, "src\nx\n", ""), done

    def test_a_folder_that_cannot_be_read(self, as_user, source):
        """A folder need not be readable: making files and entering is enough."""
        done = as_user(f'mkdir box && chmod 300 box && mxfs export "{source}" box/x && cmp box/x <(mxfs export "{source}" -)')
        assert (done.returncode, done.stderr) == (0, ""), done


class TestDescriptors:
    """DEST can name a descriptor; export then writes to it instead of opening the path."""

    @pytest.mark.parametrize("dest", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "-"])
    @pytest.mark.parametrize("force", [[], ["--force"]], ids=["", "force"])
    def test_stdout_is_a_file(self, dest, force, run, place, source):
        with open(place / "x", "wb") as f:
            f.write(b"before")
            f.flush()
            number = os.fstat(f.fileno()).st_ino
            assert run("export", *force, source, dest, stdout=f).rc == 0
        assert (place / "x").stat().st_ino == number
        assert_same((place / "x").read_bytes(), b"before" + models.gptoss_hf().expected_bytes())

    @pytest.mark.parametrize("dest", ["/dev/stdout", "/dev/fd/3", "/proc/self/fd/3", "/dev/stderr"])
    def test_pipes(self, dest, mxfs_bin, source):
        redirect = {"/dev/stdout": "", "/dev/stderr": "2>&1"}.get(dest, "3>&1 >/dev/null")
        done = subprocess.run(["sh", "-c", f'"$0" export "$1" {dest} {redirect}', mxfs_bin, source], capture_output=True, check=False)
        assert done.returncode == 0, done
        assert_same(done.stdout, models.gptoss_hf().expected_bytes())

    def test_terminal(self, mxfs_bin, source):
        status, text = Terminal(mxfs_bin, "export", source, "/dev/stdout").finish()
        assert status == 2 and "stdout is a terminal" in text

    def test_that_cannot_be_written(self, mxfs_bin, run, place, source):
        """A descriptor that is closed or open only for reading is treated as an ordinary path."""
        run("export", source, "/dev/fd/77").fails(6, "/dev/fd/77: No such file")
        (place / "x").write_bytes(b"precious")
        done = subprocess.run(["sh", "-c", f'"$0" export "$1" /dev/fd/3 3<"{place}/x"', mxfs_bin, source], capture_output=True, text=True, check=False)
        assert done.returncode == 6 and "exists" in done.stderr and (place / "x").read_bytes() == b"precious", done

    def test_a_folder(self, mxfs_bin, place, source):
        """The descriptor of a folder works even after the folder was moved."""
        (place / "a").mkdir()
        with tempfile.TemporaryDirectory(dir=place) as held:
            fd = os.open(held, os.O_RDONLY)
            os.rename(held, place / "a" / "moved")
            subprocess.run([mxfs_bin, "export", source, f"/dev/fd/{fd}"], pass_fds=[fd], check=True)
            subprocess.run([mxfs_bin, "export", source, f"/proc/self/fd/{fd}/y"], pass_fds=[fd], check=True)
            os.close(fd)
            os.mkdir(held)
        assert names_in(place / "a" / "moved") == ["m.safetensors", "y"]
