package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// settings is the configuration as a person writes it: text, from a flag or from the variable named in the tag. It is settled
// into a Config in one go, so that every complaint is heard at once.
type settings struct {
	Listen      string `help:"Address to serve on. [ASSAY_LISTEN, 127.0.0.1:8080]" group:"Settings" placeholder:"HOST:PORT"`
	BaseURL     string `help:"How people reach this server; used in invitation links. [ASSAY_BASE_URL, http://LISTEN]" group:"Settings" placeholder:"URL"`
	Data        string `help:"Folder for blobs, the signing key and SQLite. [ASSAY_DATA, var]" group:"Settings" placeholder:"DIR"`
	Database    string `help:"sqlite:PATH or a postgres:// URL. [ASSAY_DATABASE, sqlite:DATA/assay.db]" group:"Settings" placeholder:"URL"`
	Bank        string `help:"Folder of questions instead of the shipped bank. [ASSAY_BANK]" group:"Settings" placeholder:"DIR"`
	Workers     string `help:"Submissions graded at the same time. [ASSAY_WORKERS, number of cores]" group:"Settings" placeholder:"N"`
	DockerHost  string `help:"Docker engine. [ASSAY_DOCKER_HOST, DOCKER_HOST, the local socket]" group:"Settings" placeholder:"URL"`
	ImagePrefix string `help:"Sandbox images are PREFIX + profile + TAG. [ASSAY_IMAGE_PREFIX, assay/sandbox-]" group:"Settings" placeholder:"PREFIX"`
	ImageTag    string `help:"See image-prefix. [ASSAY_IMAGE_TAG, dev]" group:"Settings" placeholder:"TAG"`
	Runtime     string `help:"OCI runtime, e.g. runsc. [ASSAY_RUNTIME, the engine's default]" group:"Settings" placeholder:"NAME"`
	GPU         string `name:"gpu" help:"Whether this worker takes questions that need a GPU: yes or no. [ASSAY_GPU, no]" group:"Settings" placeholder:"yes|no"`
	Secure      string `help:"Cookies over HTTPS only: yes or no. [ASSAY_SECURE, yes when the base URL is https]" group:"Settings" placeholder:"yes|no"`
	LogLevel    string `help:"debug, info, warn or error. [ASSAY_LOG_LEVEL, info]" group:"Settings" placeholder:"LEVEL"`
	LogFormat   string `help:"text or json. [ASSAY_LOG_FORMAT, text]" group:"Settings" placeholder:"FORMAT"`
}

// Config is the configuration in force.
type Config struct {
	Listen        string
	BaseURL       string
	Data          string
	Database      string
	Bank          string // "" = the shipped one
	Workers       int
	DockerHost    string
	Images        map[string]string // profile → image
	Runtime       string
	GPU           bool
	SecureCookies bool
	LogLevel      slog.Level
	LogFormat     string
}

// profiles are the kinds of container that a question can ask for.
var profiles = []string{"bare", "numpy", "full", "judge"}

// knownVariables are the ASSAY_ variables that mean something; any other is a complaint, since it is most likely a typing error.
var knownVariables = []string{"ASSAY_LISTEN", "ASSAY_BASE_URL", "ASSAY_DATA", "ASSAY_DATABASE", "ASSAY_BANK", "ASSAY_WORKERS",
	"ASSAY_DOCKER_HOST", "ASSAY_IMAGE_PREFIX", "ASSAY_IMAGE_TAG", "ASSAY_RUNTIME", "ASSAY_GPU", "ASSAY_SECURE", "ASSAY_LOG_LEVEL", "ASSAY_LOG_FORMAT"}

// setupVariables mean something to docker/setup.sh and nothing to the program.
var setupVariables = []string{"ASSAY_BASE_IMAGE", "ASSAY_DEBIAN_MIRROR", "ASSAY_REBUILD", "ASSAY_SETUP_LOG"}

// settle fills in defaults and checks everything; the complaints are all there are, each naming its setting.
func (s settings) settle(environ []string) (Config, []string) {
	env := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	var complaints []string
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	pick := func(flag, variable, fallback string) string {
		if flag != "" {
			return flag
		}
		if v := env[variable]; v != "" {
			return v
		}
		return fallback
	}
	yes := func(name, value string) bool {
		if value != "yes" && value != "no" {
			complain("%s: %q is neither yes nor no", name, value)
		}
		return value == "yes"
	}

	c := Config{
		Listen:     pick(s.Listen, "ASSAY_LISTEN", "127.0.0.1:8080"),
		Data:       pick(s.Data, "ASSAY_DATA", "var"),
		Bank:       pick(s.Bank, "ASSAY_BANK", ""),
		DockerHost: pick(s.DockerHost, "ASSAY_DOCKER_HOST", env["DOCKER_HOST"]),
		Runtime:    pick(s.Runtime, "ASSAY_RUNTIME", ""),
		LogFormat:  pick(s.LogFormat, "ASSAY_LOG_FORMAT", "text"),
		Images:     map[string]string{},
	}
	if _, port, err := net.SplitHostPort(c.Listen); err != nil {
		complain("listen (ASSAY_LISTEN): %q is not HOST:PORT", c.Listen)
	} else if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		complain("listen (ASSAY_LISTEN): %q is not a port from 0 to 65535", port)
	}
	c.BaseURL = strings.TrimSuffix(pick(s.BaseURL, "ASSAY_BASE_URL", "http://"+c.Listen), "/")
	if u, err := url.Parse(c.BaseURL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		complain("base-url (ASSAY_BASE_URL): %q is not an http:// or https:// URL", c.BaseURL)
	}
	c.Database = pick(s.Database, "ASSAY_DATABASE", "sqlite:"+filepath.Join(c.Data, "assay.db"))
	if u, err := url.Parse(c.Database); err != nil || !slices.Contains([]string{"sqlite", "postgres", "postgresql"}, u.Scheme) {
		complain("database (ASSAY_DATABASE): must start with sqlite: or postgres://")
	}
	if c.Bank != "" {
		if info, err := os.Stat(c.Bank); err != nil || !info.IsDir() {
			complain("bank (ASSAY_BANK): %s is not a folder", c.Bank)
		}
	}
	workers := pick(s.Workers, "ASSAY_WORKERS", strconv.Itoa(runtime.NumCPU()))
	if n, err := strconv.Atoi(workers); err != nil || n < 1 || n > 512 {
		complain("workers (ASSAY_WORKERS): %q is not a number from 1 to 512", workers)
	} else {
		c.Workers = n
	}
	prefix, tag := pick(s.ImagePrefix, "ASSAY_IMAGE_PREFIX", "assay/sandbox-"), pick(s.ImageTag, "ASSAY_IMAGE_TAG", "dev")
	for _, p := range profiles {
		c.Images[p] = prefix + p + ":" + tag
	}
	c.GPU = yes("gpu (ASSAY_GPU)", pick(s.GPU, "ASSAY_GPU", "no"))
	secure := "no"
	if strings.HasPrefix(c.BaseURL, "https://") {
		secure = "yes"
	}
	c.SecureCookies = yes("secure (ASSAY_SECURE)", pick(s.Secure, "ASSAY_SECURE", secure))
	if level := pick(s.LogLevel, "ASSAY_LOG_LEVEL", "info"); c.LogLevel.UnmarshalText([]byte(level)) != nil {
		complain("log-level (ASSAY_LOG_LEVEL): %q is none of debug, info, warn, error", level)
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		complain("log-format (ASSAY_LOG_FORMAT): %q is neither text nor json", c.LogFormat)
	}
	var unknown []string
	for name := range env {
		known := slices.Contains(knownVariables, name) || slices.Contains(setupVariables, name) || strings.HasPrefix(name, "ASSAY_TEST_")
		if strings.HasPrefix(name, "ASSAY_") && !known {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		complain("%s is not a setting; those are %s", name, strings.Join(knownVariables, ", "))
	}
	return c, complaints
}

// print writes the settings in force, without secrets.
func (c Config) print(w io.Writer) {
	bank := c.Bank
	if bank == "" {
		bank = "(shipped)"
	}
	for _, line := range [][2]string{
		{"listen", c.Listen}, {"base-url", c.BaseURL}, {"data", c.Data}, {"database", c.redactedDatabase()}, {"bank", bank},
		{"workers", strconv.Itoa(c.Workers)}, {"docker-host", orDash(c.DockerHost)}, {"images", c.Images["full"] + " …"},
		{"runtime", orDash(c.Runtime)}, {"gpu", fmt.Sprint(c.GPU)}, {"secure", fmt.Sprint(c.SecureCookies)},
		{"log-level", c.LogLevel.String()}, {"log-format", c.LogFormat},
	} {
		fmt.Fprintf(w, "%-12s %s\n", line[0], line[1])
	}
}

// redactedDatabase is the database's URL without its password.
func (c Config) redactedDatabase() string {
	if u, err := url.Parse(c.Database); err == nil && u.User != nil {
		return u.Redacted()
	}
	return c.Database
}

func orDash(s string) string {
	if s == "" {
		return "(default)"
	}
	return s
}
