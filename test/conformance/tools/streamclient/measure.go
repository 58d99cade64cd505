package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"k8s.io/client-go/tools/remotecommand"
)

// zeros is an endless source that costs nothing.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// counter throws away what it counts.
type counter struct{ bytes int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	return len(p), nil
}

// ending comes behind all zeros that are sent, so that a command can show that it got everything.
const ending = "the end\n"

// runPour measures one direction of a session whose command writes COUNT bytes (out), or reads COUNT zeros and the ending, and then says
// that (in). Prints the seconds.
func runPour(protocol string, args []string) error {
	if len(args) != 3 {
		return errors.New("usage: pour spdy|websocket out|in COUNT URL")
	}
	count, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return err
	}
	began := time.Now()
	if protocol == "websocket" {
		err = pourChannels(args[0], args[2], count)
	} else {
		err = pourExecutor(args[0], args[2], count)
	}
	if err != nil {
		return err
	}
	fmt.Println(time.Since(began).Seconds())
	return nil
}

func pourExecutor(direction, target string, count int64) error {
	executor, err := newExecutor("spdy", target)
	if err != nil {
		return err
	}
	var received counter
	var said bytes.Buffer
	options := remotecommand.StreamOptions{Stdout: &received}
	if direction == "in" {
		options.Stdin = io.MultiReader(io.LimitReader(zeros{}, count), strings.NewReader(ending))
		options.Stdout = &said
	}
	if err := executor.StreamWithContext(context.Background(), options); err != nil {
		return err
	}
	if direction == "in" && said.String() != ending {
		return fmt.Errorf("the command did not get everything: %s", said.String())
	}
	if direction == "out" && received.bytes != count {
		return fmt.Errorf("%d bytes came, not %d", received.bytes, count)
	}
	return nil
}

// pourChannels speaks the newest of Kubernetes' channel protocols that the server knows; client-go's executor knows v5 only, and
// containerd v4 at most. There the end of the input cannot be told, so of `in` only the sending is measured.
func pourChannels(direction, target string, count int64) error {
	address := "ws" + strings.TrimPrefix(target, "http")
	dialer := websocket.Dialer{Subprotocols: []string{"v5.channel.k8s.io", "v4.channel.k8s.io"}}
	connection, _, err := dialer.Dial(address, nil)
	if err != nil {
		return err
	}
	defer connection.Close()
	if direction == "in" {
		message := make([]byte, 32<<10+1)
		for ; count > 0; count -= int64(len(message) - 1) {
			if err := connection.WriteMessage(websocket.BinaryMessage, message); err != nil {
				return err
			}
		}
		return nil
	}
	for buffer := make([]byte, 64<<10); count > 0; {
		_, message, err := connection.NextReader()
		if err != nil {
			return err
		}
		bytes, err := io.CopyBuffer(&counter{}, message, buffer)
		if err != nil {
			return err
		}
		count -= max(bytes-1, 0)
	}
	return nil
}

// runMany runs a session for each URL that standard input names, all at once. Each sends COUNT bytes and wants as many back.
func runMany(protocol string, args []string) error {
	count, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return err
	}
	var urls []string
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		urls = append(urls, lines.Text())
	}
	results := make(chan error, len(urls))
	for _, target := range urls {
		go func() { results <- exchange(protocol, target, count) }()
	}
	for range urls {
		if err := <-results; err != nil {
			return err
		}
	}
	fmt.Println(len(urls))
	return nil
}

func exchange(protocol, target string, count int64) error {
	executor, err := newExecutor(protocol, target)
	if err != nil {
		return err
	}
	var received counter
	input := bytes.NewReader(make([]byte, count))
	options := remotecommand.StreamOptions{Stdin: input, Stdout: &received}
	if err := executor.StreamWithContext(context.Background(), options); err != nil {
		return err
	}
	if received.bytes != count {
		return fmt.Errorf("%d bytes came back, not %d", received.bytes, count)
	}
	return nil
}

// runDownload reads one forwarded connection to its end and prints bytes and seconds.
func runDownload(protocol string, args []string) error {
	return withForwarded(protocol, args[0], args[1], func(port uint16) error {
		began := time.Now()
		connection, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return err
		}
		defer connection.Close()
		bytes, err := io.Copy(&counter{}, connection)
		if err != nil {
			return err
		}
		fmt.Println(bytes, time.Since(began).Seconds())
		return nil
	})
}
