// The gateway with a million failures on record: made over its public address once, and kept for the next run.
// Promises: loopback and free ports alone; what was started is ended by its id.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const BUILD = `${ROOT}.build/bench/console`
export const ADMIN = { name: 'ada', password: 'a password for the figures' }
const TOKEN = 'admin-console-figures-0123456789'
const KEYS = Array.from({ length: 12 }, (_, at) => `wb-console-figures-${String(at).padStart(2, '0')}-0123456789abcdef0123456789abcdef`)
const CONNECTIONS = 64
const START_MS = 120_000

/** Everything that is measured against; `end` it. */
export async function worldOf({ binary, folder }) {
  const provider = new Worker(new URL('provider.mjs', import.meta.url))
  const providerPort = await new Promise((done) => provider.once('message', done))
  mkdirSync(folder, { recursive: true })
  const file = `${folder}/waybill.toml`
  writeFileSync(file, configuration(`http://127.0.0.1:${providerPort}`))
  const { url, end } = await serve(binary, ['serve', '--config', file, '--listen', '127.0.0.1:0', '--data-dir', `${folder}/data`])
  const ask = asking(url)
  const { open } = await ask('GET', 'setup')
  if (open) await ask('POST', 'setup', { setup_token: TOKEN, ...ADMIN })
  return {
    url,
    ask,
    load: (options) => loading({ port: Number(new URL(url).port), keys: KEYS, connections: CONNECTIONS, ...options }),
    end: async () => {
      await end()
      await provider.terminate()
    },
  }
}

/** How many failures are on record: they are numbered, and none was let go yet. */
export async function onRecord(world) {
  const { errors } = await world.ask('GET', 'ops/errors?view=all&time_range=30d&page_size=1')
  return errors[0]?.id ?? 0
}

/** Fails until there are so many on record, and until all that is made of them in the background is made. */
export async function fill(world, wanted, say) {
  const there = await onRecord(world)
  if (there < wanted) {
    say(`${there} of ${wanted} failures on record; making the others`)
    const done = await world.load({ count: wanted - there, onTold: ({ answered }) => answered % 20 === 0 && say(`${there + answered} failures`) })
    say(`made in ${Math.round(done.seconds)} s: ${JSON.stringify(done.statuses)}`)
  }
  await settled(world)
}

/** Until the gateway's own books have caught up with what is stored. */
async function settled(world) {
  const deadline = Date.now() + 600_000
  for (let before = -1; ; ) {
    const { is_complete } = await world.ask('GET', 'ops/dashboard/overview?time_range=1h')
    const now = await onRecord(world)
    if (is_complete && now === before) return
    if (Date.now() > deadline) throw new Error('the gateway has not caught up within ten minutes')
    before = now
    await new Promise((done) => setTimeout(done, 3_000))
  }
}

function loading({ onTold, ...options }) {
  const worker = new Worker(new URL('load.mjs', import.meta.url), { workerData: options })
  return new Promise((done, failed) => {
    worker.on('error', failed)
    worker.on('message', (told) => (told.done ? done(told) : onTold?.(told)))
  })
}

/** No failure stops an account: each request is to fail in its own way. */
function configuration(provider) {
  const lines = ['[[group]]', 'name = "claude"', 'platform = "anthropic"']
  for (const number of [1, 2]) {
    lines.push('[[account]]', `name = "anthropic-${number}"`, 'platform = "anthropic"', 'groups = ["claude"]', `base_url = "${provider}"`)
    lines.push(`credential = { api_key = "figures-${number}" }`, `priority = ${number}`, 'concurrency = 1000', 'counted_statuses = [418]')
  }
  KEYS.forEach((key, at) => lines.push('[[api_key]]', `name = "team-${at}"`, `key = "${key}"`, 'groups = ["claude"]'))
  return `${lines.join('\n')}\n`
}

function asking(url) {
  return async (method, path, body) => {
    const answer = await fetch(`${url}/api/v1/admin/${path}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text ? JSON.parse(text) : null
  }
}

/** Runs the gateway until it says where it listens. */
async function serve(binary, parameters) {
  if (!existsSync(binary)) throw new Error(`${binary} is missing: run \`make build\` first`)
  const child = spawn(binary, parameters, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, WAYBILL_ADMIN_TOKEN: TOKEN } })
  const ended = new Promise((done) => child.once('exit', () => done(null)))
  let said = ''
  const ready = new Promise((done) => {
    for (const pipe of [child.stdout, child.stderr]) {
      pipe.setEncoding('utf8').on('data', (text) => {
        said = (said + text).slice(-20_000)
        const found = /listening on (http:\/\/[^\s/]+)/.exec(said)
        if (found && pipe === child.stdout) done(found[1])
      })
    }
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS)
  const url = await Promise.race([ready, ended])
  clearTimeout(timer)
  if (!url) throw new Error(`the gateway did not say where it listens:\n${said}`)
  const end = async () => {
    child.kill('SIGTERM')
    await ended
  }
  return { url, end }
}

/** A folder of an earlier run is as good as a new one for as long as its failures lie in the window that is looked at. */
export function folderFor(hours) {
  const folder = `${BUILD}/world`
  const file = `${folder}/waybill.toml`
  const isOld = existsSync(file) && Date.now() - statSync(file).birthtimeMs > hours * 3_600_000
  if (isOld) rmSync(folder, { recursive: true, force: true })
  return folder
}
