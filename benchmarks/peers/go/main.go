// Go, with its standard library alone: a goroutine per connection; in the chat one more, fed by a channel, writes.
//
// usage: go {echo,chat} PORT [--cert FILE --key FILE]
//
// The lines of one read make one message in each receiver's channel, and each message is one write. Go sets
// TCP_NODELAY by itself, and uses as many threads as it may run on cores.
package main

import (
	"bytes"
	"crypto/tls"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

const (
	readSize   = 65536
	backlog    = 1024
	maxLine    = 65536
	maxWaiting = 256 * 1024 // bytes for one client of the chat: whoever lets more pile up is cut off
	maxQueued  = 1024       // messages: a channel has a length
)

// echo sends everything back. Not with io.Copy, which would leave the bytes in the kernel (splice).
func echo(conn net.Conn, number int) {
	defer conn.Close()
	buf := make([]byte, readSize)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		if _, err = conn.Write(buf[:n]); err != nil {
			return
		}
	}
}

type client struct {
	conn    net.Conn
	out     chan []byte
	waiting int64 // bytes
}

var (
	room  = map[*client]bool{}
	mutex sync.RWMutex // for the room, and against closing a channel that is being sent to
)

// hears gets what another client said.
func (c *client) hears(text []byte) {
	if atomic.AddInt64(&c.waiting, int64(len(text))) > maxWaiting {
		c.conn.Close()
		return
	}
	select {
	case c.out <- text:
	default:
		c.conn.Close()
	}
}

// write writes what is queued, until the channel is closed.
func (c *client) write() {
	defer c.conn.Close()
	for text := range c.out {
		if _, err := c.conn.Write(text); err != nil {
			return
		}
		atomic.AddInt64(&c.waiting, -int64(len(text)))
	}
}

// chat passes each line on to everyone else.
func chat(conn net.Conn, number int) {
	c := &client{conn: conn, out: make(chan []byte, maxQueued)}
	prefix := fmt.Sprintf("<user%d> ", number)
	go c.write()
	mutex.Lock()
	room[c] = true
	mutex.Unlock()
	defer func() {
		mutex.Lock()
		delete(room, c)
		close(c.out)
		mutex.Unlock()
	}()
	buf := make([]byte, maxLine+readSize)
	for held := 0; held <= maxLine; { // held: bytes of a line that has not ended yet
		n, err := conn.Read(buf[held : held+readSize])
		if err != nil {
			return
		}
		rest := buf[:held+n]
		var text []byte
		for {
			end := bytes.IndexByte(rest, '\n') + 1
			if end == 0 {
				break
			}
			text = append(append(text, prefix...), rest[:end]...)
			rest = rest[end:]
		}
		held = copy(buf, rest)
		if text != nil {
			c.tell(text)
		}
	}
}

// tell lets everyone else hear it.
func (c *client) tell(text []byte) {
	mutex.RLock()
	defer mutex.RUnlock()
	for other := range room {
		if other != c {
			other.hears(text)
		}
	}
}

// listen accepts on loopback. Go asks for as long a backlog as the system allows: asking again shortens it.
func listen(port string) net.Listener {
	listener, err := net.Listen("tcp4", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	raw, err := listener.(*net.TCPListener).SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { syscall.Listen(int(fd), backlog) })
	}
	if err != nil {
		log.Fatal(err)
	}
	return listener
}

func main() {
	cert, key := flag.String("cert", "", ""), flag.String("key", "", "")
	handlers := map[string]func(net.Conn, int){"echo": echo, "chat": chat}
	if len(os.Args) < 3 || handlers[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: go {echo,chat} PORT [--cert FILE --key FILE]")
		os.Exit(2)
	}
	flag.CommandLine.Parse(os.Args[3:])
	listener := listen(os.Args[2])
	if *cert != "" {
		pair, err := tls.LoadX509KeyPair(*cert, *key)
		if err != nil {
			log.Fatal(err)
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}})
	}
	for number := 1; ; number++ {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go handlers[os.Args[1]](conn, number)
	}
}
