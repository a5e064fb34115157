import Foundation

/// An HTTP/1.1 server on the loopback interface for the tests of downloads, with the faults that
/// real servers have. One thread a connection, one request a connection.
package final class LoopbackServer: @unchecked Sendable {
  /// How a request is answered.
  package enum Answer {
    /// The bytes, from where the request wants them.
    case bytes([UInt8])
    /// The whole bytes, whatever range the request wants.
    case ignoringRange([UInt8])
    /// As `bytes`, but the connection ends after `count` of them.
    case cut([UInt8], after: Int)
    /// As `bytes`, but after `count` of them nothing comes any more.
    case stalled([UInt8], after: Int)
    /// As `bytes`, in pieces with pauses.
    case slow([UInt8], piece: Int, pause: Double)
    /// An error with a page of text.
    case status(Int)
    /// A redirect to another path or address.
    case redirect(String)
    /// The connection stays open and silent.
    case silence
  }

  /// What a client has asked for.
  package struct Request: Equatable {
    package var path: String
    /// The first byte wanted.
    package var offset: Int

    /// A request.
    package init(path: String, offset: Int) {
      self.path = path
      self.offset = offset
    }
  }

  private let descriptor: Int32
  private let lock = NSLock()
  private var log: [Request] = []
  private var isClosed = false
  private let answer: @Sendable (Request, _ earlier: Int) -> Answer
  /// The base address.
  package let address: String

  /// Starts a server; `answer` is given a request and how many came before it.
  package init(_ answer: @escaping @Sendable (Request, Int) -> Answer) throws {
    self.answer = answer
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let listener = socket(AF_INET, type, 0)
    descriptor = listener
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &place) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
        bind(listener, general, size) | listen(listener, 16)
          | getsockname(listener, general, &size)
      }
    }
    guard status == 0 else { throw CocoaError(.fileReadUnknown) }
    address = "http://127.0.0.1:\(UInt16(bigEndian: place.sin_port))/"
    Thread.detachNewThread { [self] in acceptAll() }
  }

  /// The requests so far.
  package var requests: [Request] { lock.withLock { log } }

  /// Stops listening; connections under way end soon.
  package func stop() {
    lock.withLock { isClosed = true }
    shutdown(descriptor, Int32(SHUT_RDWR))
  }

  private func acceptAll() {
    while true {
      let connection = accept(descriptor, nil, nil)
      if connection < 0 {
        if errno == EINTR || errno == ECONNABORTED { continue }
        close(descriptor)
        return
      }
      Thread.detachNewThread { [self] in
        serve(connection)
        shutdown(connection, Int32(SHUT_RDWR))
        close(connection)
      }
    }
  }

  private func serve(_ connection: Int32) {
    var head = ""
    var block = [UInt8](repeating: 0, count: 4096)
    while !head.contains("\r\n\r\n") {
      let count = recv(connection, &block, block.count, 0)
      if count <= 0 { return }
      head += String(decoding: block[..<count], as: UTF8.self)
    }
    let path = head.split(separator: " ")[1]
    let range = head.firstMatch(of: #/(?i)range: bytes=(\d+)-/#).flatMap { Int($0.1) } ?? 0
    let request = Request(path: String(path), offset: range)
    let earlier = lock.withLock {
      log.append(request)
      return log.count - 1
    }
    switch answer(request, earlier) {
    case .bytes(let bytes): send(bytes, range, connection)
    case .ignoringRange(let bytes): send(bytes, 0, connection)
    case .cut(let bytes, let count): send(bytes, range, connection, limit: count)
    case .stalled(let bytes, let count):
      send(bytes, range, connection, limit: count)
      waitForEnd(connection)
    case .slow(let bytes, let piece, let pause):
      send(bytes, range, connection, piece: piece, pause: pause)
    case .status(let code):
      let head = "HTTP/1.1 \(code) No\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
      write(head + "sorry", connection)
    case .redirect(let target):
      write(
        "HTTP/1.1 302 Found\r\nLocation: \(target)\r\nContent-Length: 0\r\n"
          + "Connection: close\r\n\r\n", connection)
    case .silence: waitForEnd(connection)
    }
  }

  /// Blocks until the client hangs up.
  private func waitForEnd(_ connection: Int32) {
    var byte: UInt8 = 0
    _ = recv(connection, &byte, 1, 0)
  }

  private func send(
    _ bytes: [UInt8], _ offset: Int, _ connection: Int32, limit: Int = .max,
    piece: Int = .max, pause: Double = 0
  ) {
    let end = "Connection: close\r\n\r\n"
    if offset > 0, offset >= bytes.count {
      return write(
        "HTTP/1.1 416 Range\r\nContent-Range: bytes */\(bytes.count)\r\nContent-Length: 0\r\n"
          + end,
        connection)
    }
    let range = "Content-Range: bytes \(offset)-\(bytes.count - 1)/\(bytes.count)\r\n"
    write(
      "HTTP/1.1 \(offset > 0 ? "206 Partial" : "200 OK")\r\n\(offset > 0 ? range : "")"
        + "Content-Length: \(bytes.count - offset)\r\n\(end)", connection)
    var rest = bytes[offset...].prefix(limit)
    while !rest.isEmpty, write(Array(rest.prefix(piece)), connection) {
      rest = rest.dropFirst(piece)
      if pause > 0 { Thread.sleep(forTimeInterval: pause) }
    }
  }

  private func write(_ text: String, _ connection: Int32) { write(Array(text.utf8), connection) }

  @discardableResult
  private func write(_ bytes: [UInt8], _ connection: Int32) -> Bool {
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes {
        Foundation.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0 { return false }
      done += count
    }
    return true
  }
}
