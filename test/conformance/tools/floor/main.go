// The least that Kubernetes' streaming clients take with any server: what they need when nothing is behind the server, no process and no
// container. A runtime's figures beside it show what of them is the runtime's own.
//
//	floor SOCKET   serves CRI's Version and Exec on a Unix socket, and the URLs that Exec answers, on loopback; says `ready` when it does
//
// A command `cat` is an echo of its input, any other says `here` and ends. SPDY/3.1 is spoken without looking at headers: client-go opens
// the streams error, stdin, stdout and stderr in this order, those that the request asked for, as 1, 3, 5, 7.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"google.golang.org/grpc"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const (
	upgraded = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n" +
		"X-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n"
	success = `{"metadata":{},"status":"Success"}`

	headLength = 8
	synStream  = 1
	synReply   = 2
	ping       = 6
	fin        = 1
)

// noHeaders is a header block of no headers in a stored deflate block, which an empty one ends as a flush does. The first block of a
// connection begins zlib's stream.
var noHeaders = []byte{0, 4, 0, 0xfb, 0xff, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}
var zlibHead = []byte{0x78, 0x01}

type server struct {
	runtime.UnimplementedRuntimeServiceServer
	runtime.UnimplementedImageServiceServer
	address string
}

func (s *server) Version(context.Context, *runtime.VersionRequest) (*runtime.VersionResponse, error) {
	return &runtime.VersionResponse{Version: "0.1.0", RuntimeName: "floor", RuntimeVersion: "1", RuntimeApiVersion: "v1"}, nil
}

// ImageFsInfo is what clients of CRI ask first, to see whether the version is served.
func (s *server) ImageFsInfo(context.Context, *runtime.ImageFsInfoRequest) (*runtime.ImageFsInfoResponse, error) {
	return &runtime.ImageFsInfoResponse{}, nil
}

func (s *server) Exec(_ context.Context, request *runtime.ExecRequest) (*runtime.ExecResponse, error) {
	kind := "say"
	if request.Cmd[0] == "cat" {
		kind = "echo"
	}
	streams := 1
	for _, asked := range []bool{request.Stdin, request.Stdout, request.Stderr} {
		if asked {
			streams++
		}
	}
	return &runtime.ExecResponse{Url: fmt.Sprintf("http://%s/%s/%d", s.address, kind, streams)}, nil
}

func main() {
	if len(os.Args) != 2 {
		fail(fmt.Errorf("usage: floor SOCKET"))
	}
	streams, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	go func() {
		for {
			connection, err := streams.Accept()
			if err != nil {
				fail(err)
			}
			go serve(connection.(*net.TCPConn))
		}
	}()
	socket, err := net.Listen("unix", os.Args[1])
	if err != nil {
		fail(err)
	}
	fmt.Println("ready")
	calls := grpc.NewServer()
	floor := &server{address: streams.Addr().String()}
	runtime.RegisterRuntimeServiceServer(calls, floor)
	runtime.RegisterImageServiceServer(calls, floor)
	fail(calls.Serve(socket))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "floor:", err)
	os.Exit(1)
}

// session is one client's connection.
type session struct {
	connection *net.TCPConn
	input      *bufio.Reader
	replied    bool
}

func serve(connection *net.TCPConn) {
	defer connection.Close()
	s := session{connection: connection, input: bufio.NewReaderSize(connection, 128<<10)}
	if err := s.run(); err != nil && err != io.EOF {
		fmt.Fprintln(os.Stderr, "floor:", err)
	}
}

func (s *session) run() error {
	first, err := s.input.ReadString('\n')
	if err != nil {
		return err
	}
	var kind string
	var streams int
	path := strings.ReplaceAll(strings.Split(first, " ")[1], "/", " ")
	if _, err := fmt.Sscan(path, &kind, &streams); err != nil {
		return err
	}
	for line := first; line != "\r\n"; {
		if line, err = s.input.ReadString('\n'); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(s.connection, upgraded); err != nil {
		return err
	}
	for opened := 0; ; {
		head := make([]byte, headLength)
		if _, err := io.ReadFull(s.input, head); err != nil {
			return err
		}
		length := int(binary.BigEndian.Uint32(head[4:]) & 0xffffff)
		if head[0]&0x80 == 0 {
			ended, err := s.data(kind, binary.BigEndian.Uint32(head), length, head[4]&fin != 0)
			if err != nil || ended {
				return err
			}
			continue
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(s.input, body); err != nil {
			return err
		}
		switch head[3] {
		case ping:
			if _, err := s.connection.Write(append(head, body...)); err != nil {
				return err
			}
		case synStream:
			reply := s.reply(binary.BigEndian.Uint32(body))
			if opened++; opened == streams && kind == "say" {
				_, err := s.connection.Write(bytes.Join([][]byte{reply, frame(3, []byte("here\n"), 0), last(streams)}, nil))
				return s.linger(err)
			}
			if _, err := s.connection.Write(reply); err != nil {
				return err
			}
		}
	}
}

// data passes a frame's bytes back as they come. True at the end of the input.
func (s *session) data(kind string, stream uint32, length int, ends bool) (bool, error) {
	for length > 0 {
		if _, err := s.input.Peek(1); err != nil {
			return false, err
		}
		part, _ := s.input.Peek(min(s.input.Buffered(), length))
		if kind == "echo" && stream == 3 {
			buffers := net.Buffers{dataHead(5, len(part), 0), part}
			if _, err := buffers.WriteTo(s.connection); err != nil {
				return false, err
			}
		}
		_, _ = s.input.Discard(len(part))
		length -= len(part)
	}
	if kind != "echo" || stream != 3 || !ends {
		return false, nil
	}
	_, err := s.connection.Write(last(3))
	return true, s.linger(err)
}

// linger waits until the client has closed its side: what it still sends would reset the connection.
func (s *session) linger(err error) error {
	if err != nil {
		return err
	}
	if err := s.connection.CloseWrite(); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, s.input)
	return nil
}

func (s *session) reply(stream uint32) []byte {
	block := noHeaders
	if !s.replied {
		block = append(append([]byte{}, zlibHead...), noHeaders...)
	}
	s.replied = true
	out := binary.BigEndian.AppendUint32([]byte{0x80, 3, 0, synReply}, uint32(4+len(block)))
	return append(binary.BigEndian.AppendUint32(out, stream), block...)
}

// last is the end of a session: the status, and the end of every stream.
func last(streams int) []byte {
	var out []byte
	for stream := 3; stream < 2*streams; stream += 2 {
		out = append(out, dataHead(stream, 0, fin)...)
	}
	return append(out, frame(1, []byte(success), fin)...)
}

func dataHead(stream, length, flags int) []byte {
	head := binary.BigEndian.AppendUint32(nil, uint32(stream))
	return binary.BigEndian.AppendUint32(head, uint32(flags<<24|length))
}

func frame(stream int, body []byte, flags int) []byte {
	return append(dataHead(stream, len(body), flags), body...)
}
