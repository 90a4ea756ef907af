package sandbox

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestWithoutCgroups runs as on a host whose cgroups we may not read: the engine's own statistics must do.
func TestWithoutCgroups(t *testing.T) {
	if os.Getenv("ASSAY_TEST_DOCKER") != "1" {
		t.Skip("needs a Docker engine and the sandbox images: run docker/setup.sh, then set ASSAY_TEST_DOCKER=1")
	}
	d, err := Open(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	e, err := d.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e.cgroups = &cgroups{}
	s := Spec{Name: "blind-" + randomHex(4), Role: RoleCandidate, Profile: ProfileBare, Argv: []string{"python3", "-c", "while True: pass"}, CPU: time.Second, Wall: time.Minute}
	if o, err := d.Run(t.Context(), s, Streams{}); err != nil || !o.CPUExceeded || o.CPU < s.CPU || o.PeakMemory == 0 {
		t.Errorf("%+v %v", o, err)
	}
	s.Argv, s.CPU, s.Limits.Memory = []string{"python3", "-c", "b = []\nwhile True: b.append(bytearray(8 << 20))"}, 0, 96<<20
	if o, err := d.Run(t.Context(), s, Streams{}); err != nil || !o.OOM || o.Signal != 9 {
		t.Errorf("%+v %v", o, err)
	}
	if o, err := d.Run(t.Context(), Spec{Name: s.Name, Role: RoleCandidate, Profile: ProfileBare, Argv: []string{"true"}}, Streams{}); err != nil || !o.OK() {
		t.Errorf("%+v %v", o, err)
	}
}

// TestLibraries are honest programs that isolation must not break.
func TestLibraries(t *testing.T) {
	if os.Getenv("ASSAY_TEST_DOCKER") != "1" {
		t.Skip("needs a Docker engine and the sandbox images: run docker/setup.sh, then set ASSAY_TEST_DOCKER=1")
	}
	d, err := Open(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	for name, code := range map[string]string{
		"processes and shared memory": `
import multiprocessing as mp
from multiprocessing import shared_memory
def f(x): return x * x
if __name__ == "__main__":
    with mp.Pool(2) as p: assert p.map(f, range(4)) == [0, 1, 4, 9]
    m = shared_memory.SharedMemory(create=True, size=100); m.buf[0] = 1; m.close(); m.unlink()
    import concurrent.futures as c
    with c.ProcessPoolExecutor(2, mp_context=mp.get_context("spawn")) as p: assert list(p.map(f, [2])) == [4]
`,
		"data loaders": `
import torch
from torch.utils.data import DataLoader, TensorDataset
if __name__ == "__main__":
    total = sum(float(x.sum()) for (x,) in DataLoader(TensorDataset(torch.ones(64, 3)), batch_size=8, num_workers=2))
    assert total == 192, total
    model = torch.nn.Linear(3, 1); opt = torch.optim.Adam(model.parameters()); model(torch.ones(4, 3)).sum().backward(); opt.step()
    torch.save(model.state_dict(), "m.pt"); torch.load("m.pt"); assert torch.get_num_threads() == 1
`,
		"scikit-learn and pandas": `
import numpy as np, pandas as pd
from sklearn.ensemble import RandomForestClassifier, HistGradientBoostingClassifier
x = np.random.default_rng(0).normal(size=(200, 4)); y = x[:, 0] > 0
assert RandomForestClassifier(10, n_jobs=2).fit(x, y).score(x, y) > 0.9
assert HistGradientBoostingClassifier(max_iter=5).fit(x, y).score(x, y) > 0.8
pd.DataFrame(x).to_csv("a.csv"); assert len(pd.read_csv("a.csv")) == 200
`,
		"a server": `
import asyncio, threading, time, urllib.request, fastapi, uvicorn
app = fastapi.FastAPI()
@app.get("/health")
async def health(): return {"ok": True}
server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=8000, log_level="warning"))
threading.Thread(target=server.run, daemon=True).start()
while not server.started: time.sleep(0.01)
assert urllib.request.urlopen("http://127.0.0.1:8000/health").read() == b'{"ok":true}'
`,
		"compiled code, subprocesses, home": `
import ctypes, getpass, os, pathlib, sqlite3, subprocess, sys, tempfile
assert subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True, text=True).stdout == "1\n"
assert pathlib.Path.home() == pathlib.Path("/workspace") and getpass.getuser()
assert tempfile.gettempdir() == "/tmp"
sqlite3.connect("x.db").execute("create table t (a)")
pathlib.Path("s.sh").write_text("#!/bin/sh\necho hi\n"); os.chmod("s.sh", 0o755); assert subprocess.check_output(["./s.sh"]) == b"hi\n"
`,
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			o, err := d.Run(t.Context(), Spec{Name: "lib-" + randomHex(4), Role: RoleCandidate, Profile: ProfileFull, Argv: []string{"python3", "main.py"},
				Files: []File{{Path: "main.py", Data: []byte(code)}}, Wall: 2 * time.Minute}.withMemory(2<<30), Streams{Stdout: &said, Stderr: &said})
			if err != nil || !o.OK() {
				t.Errorf("%+v %v\n%s", o, err, said.String())
			}
		})
	}
}
