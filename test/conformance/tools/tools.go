//go:build tools

// Package tools pins the conformance tools of the Container Runtime Interface: crictl and critest, and every module they are made of.
// critest is the test binary of sigs.k8s.io/cri-tools/cmd/critest; the blank imports keep what only its test files use in go.mod and go.sum.
// streamclient is a program of this module: client-go's streaming executors, of the version that crictl has.
package tools

import (
	_ "sigs.k8s.io/cri-tools/pkg/benchmark"
	_ "sigs.k8s.io/cri-tools/pkg/validate"
)
