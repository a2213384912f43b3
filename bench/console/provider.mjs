// A provider that fails as it is asked to: the model's name says how. Runs on a thread of its own.
import { createServer } from 'node:http'
import { parentPort } from 'node:worker_threads'

// What differs from failure to failure, so that messages are as many as in use.
let made = 0
const id = () => `${(made * 2654435761) % 4294967296}`.padStart(10, '0')

/** Status, the provider's type, its words. */
const FAULTS = {
  invalid: [400, 'invalid_request_error', () => `messages.${made % 40}.content: at least one block is needed (request ${id()})`],
  long: [400, 'invalid_request_error', () => `prompt is too long: ${200_001 + (made % 90_000)} tokens > 200000 maximum`],
  unknown: [404, 'not_found_error', () => `model: claude-nobody-${made % 25}`],
  overloaded: [529, 'overloaded_error', () => 'Overloaded'],
  limited: [429, 'rate_limit_error', () => `This request would exceed the rate limit of your organization (org-${made % 50}) of ${40_000 + (made % 9)} input tokens per minute.`],
  broken: [500, 'api_error', () => `Internal server error, reference ${id()}`],
}
const SERVED = JSON.stringify({
  id: 'msg_01', type: 'message', role: 'assistant', model: 'claude-sonnet-4-5', content: [{ type: 'text', text: 'Hello.' }],
  stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 12, output_tokens: 3 },
})

const server = createServer((request, response) => {
  let text = ''
  request.setEncoding('utf8').on('data', (piece) => (text += piece))
  request.on('end', () => {
    made += 1
    const kind = /"model":"claude-([a-z]+)/.exec(text)?.[1]
    // A failure that failover covers: the first account's alone.
    const fault = kind === 'covered' ? (request.headers['x-api-key']?.endsWith('-1') ? FAULTS.broken : undefined) : FAULTS[kind]
    const [status, type, words] = fault ?? [200]
    const body = fault ? JSON.stringify({ type: 'error', error: { type, message: words() }, request_id: `req_${id()}` }) : SERVED
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'request-id': `req_${id()}` }).end(body)
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
