// The clients of Kubernetes itself, for the tests and benchmarks of the streaming server.
//
//	streamclient exec spdy|websocket [-tty] URL          standard input, output and error are the command's; exit status is its exit code
//	streamclient forward spdy|websocket URL REMOTE COUNT  COUNT connections at once through a forwarded port, each sends and takes back 1 MiB
//	streamclient pour|many|download spdy|websocket …      for benchmarks, see measure.go
//
// A failure that is no exit code is told on standard error, with exit status 125.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"k8s.io/apimachinery/pkg/util/httpstream"
	restclient "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	utilexec "k8s.io/client-go/util/exec"
)

const otherFailure = 125

func main() {
	if len(os.Args) < 4 {
		fail(errors.New("usage: exec|forward spdy|websocket …"))
	}
	var err error
	switch os.Args[1] {
	case "exec":
		err = runExec(os.Args[2], os.Args[3:])
	case "forward":
		err = runForward(os.Args[2], os.Args[3:])
	case "pour":
		err = runPour(os.Args[2], os.Args[3:])
	case "many":
		err = runMany(os.Args[2], os.Args[3:])
	case "download":
		err = runDownload(os.Args[2], os.Args[3:])
	default:
		err = fmt.Errorf("no command %s", os.Args[1])
	}
	var exit utilexec.CodeExitError
	if errors.As(err, &exit) {
		os.Exit(exit.Code)
	}
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(otherFailure)
}

// oneSize tells the terminal's size once.
type oneSize struct{ told bool }

func (s *oneSize) Next() *remotecommand.TerminalSize {
	if s.told {
		return nil
	}
	s.told = true
	return &remotecommand.TerminalSize{Width: 123, Height: 45}
}

func runExec(protocol string, args []string) error {
	options := remotecommand.StreamOptions{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	if args[0] == "-tty" {
		args = args[1:]
		options.Tty = true
		options.Stderr = nil
		options.TerminalSizeQueue = &oneSize{}
	}
	executor, err := newExecutor(protocol, args[0])
	if err != nil {
		return err
	}
	return executor.StreamWithContext(context.Background(), options)
}

func newExecutor(protocol, address string) (remotecommand.Executor, error) {
	target, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	config := &restclient.Config{Host: target.Host}
	if protocol == "websocket" {
		return remotecommand.NewWebSocketExecutor(config, http.MethodGet, address)
	}
	return remotecommand.NewSPDYExecutor(config, http.MethodPost, target)
}

func dialer(protocol string, target *url.URL) (httpstream.Dialer, error) {
	config := &restclient.Config{Host: target.Host}
	if protocol == "websocket" {
		return portforward.NewSPDYOverWebsocketDialer(target, config)
	}
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, err
	}
	return spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, target), nil
}

// withForwarded calls `use` with a local port that leads to the remote one.
func withForwarded(protocol, address, remote string, use func(port uint16) error) error {
	target, err := url.Parse(address)
	if err != nil {
		return err
	}
	dial, err := dialer(protocol, target)
	if err != nil {
		return err
	}
	stop, ready := make(chan struct{}), make(chan struct{})
	defer close(stop)
	forwarder, err := portforward.New(dial, []string{"0:" + remote}, stop, ready, io.Discard, os.Stderr)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- forwarder.ForwardPorts() }()
	select {
	case err := <-failed:
		return err
	case <-ready:
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		return err
	}
	return use(ports[0].Local)
}

func runForward(protocol string, args []string) error {
	count, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	return withForwarded(protocol, args[0], args[1], func(port uint16) error {
		results := make(chan error, count)
		for range count {
			go func() { results <- echo(port) }()
		}
		for range count {
			if err := <-results; err != nil {
				return err
			}
		}
		fmt.Println(count)
		return nil
	})
}

// echo sends a mebibyte, closes its half, and wants the same back.
func echo(port uint16) error {
	connection, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	defer connection.Close()
	sent := make([]byte, 1<<20)
	if _, err := rand.Read(sent); err != nil {
		return err
	}
	go func() {
		_, _ = connection.Write(sent)
		_ = connection.(*net.TCPConn).CloseWrite()
	}()
	received, err := io.ReadAll(connection)
	if err != nil {
		return err
	}
	if !bytes.Equal(sent, received) {
		return fmt.Errorf("%d bytes came back, not the %d that were sent", len(received), len(sent))
	}
	return nil
}
