// Requests that fail, as many as are asked for, as fast as they are answered or at a rate. Runs on a thread of its own.
import { connect } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

const { port, keys, count, perSecond, connections } = workerData

/** So many of a hundred requests; `covered` is served by the second account. */
const KINDS = [['invalid', 40], ['long', 15], ['unknown', 10], ['overloaded', 18], ['limited', 10], ['broken', 2], ['covered', 5]]
const HUNDRED = KINDS.flatMap(([kind, share]) => Array.from({ length: share }, () => kind))
const PADDING = 'What went wrong last night, and whose fault was it? '.repeat(8)

const requests = HUNDRED.map((kind, at) => {
  const body = JSON.stringify({ model: `claude-${kind}-${at % 5}`, max_tokens: 64, messages: [{ role: 'user', content: PADDING }] })
  return keys.map((key) => `POST /v1/messages HTTP/1.1\r\nhost: gateway\r\nx-api-key: ${key}\r\nanthropic-version: 2023-06-01\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
})

let asked = 0
let answered = 0
const refused = {}
const began = performance.now()

/** Whether another request is due. */
const isDue = () => asked < count && (!perSecond || asked < ((performance.now() - began) / 1000) * perSecond)

function open() {
  return new Promise((done, failed) => {
    let said = ''
    const socket = connect(port, '127.0.0.1')
    const next = () => {
      if (asked >= count) return void socket.end()
      if (!isDue()) return void setTimeout(next, 5)
      const at = (asked * 37) % HUNDRED.length
      socket.write(requests[at][asked % keys.length])
      asked += 1
    }
    socket.setNoDelay(true).setEncoding('latin1')
    socket.on('connect', next).on('error', failed).on('close', done)
    socket.on('data', (piece) => {
      said += piece
      const head = said.indexOf('\r\n\r\n')
      const length = /content-length: (\d+)/i.exec(said)?.[1]
      if (head < 0) return
      if (length === undefined) return void socket.destroy(new Error(`an answer without a length: ${said.slice(0, 300)}`))
      if (said.length < head + 4 + Number(length)) return
      const status = said.slice(9, 12)
      refused[status] = (refused[status] ?? 0) + 1
      said = ''
      answered += 1
      next()
    })
  })
}

const tell = setInterval(() => parentPort.postMessage({ answered }), 1000)
await Promise.all(Array.from({ length: connections }, open))
clearInterval(tell)
parentPort.postMessage({ answered, statuses: refused, seconds: (performance.now() - began) / 1000, done: true })
