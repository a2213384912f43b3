// What was found, as tables. Pure.
import { kib } from './numbers.mjs'

const ms = (value) => String(Math.round(value))
const table = (head, rows) => [`| ${head.join(' | ')} |`, `|${head.map(() => '---').join('|')}|`, ...rows.map((row) => `| ${row.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`)].join('\n')

export function report(found, goals) {
  const parts = [
    `# The console over ${found.errors.toLocaleString('en')} failures`,
    `${found.at}; load of the machine, and what a busy thread is given of a CPU, before and after each part: ${Object.entries(found.load).map(([part, [before, after]]) => `${part} ${before}, ${after}`).join('; ')}`,
    table(['figure', 'to reach', 'measured', ''], goals.map(({ figure, most, value, reached }) => [figure, most, value, reached ? 'reached' : 'MISSED'])),
  ]
  if (found.views) parts.push('## First views', views(found.views), ...found.views.map(asked), '## The same calls, alone', callTable(found.calls))
  if (found.lighthouse) parts.push('## Lighthouse', lighthouse(found.lighthouse))
  if (found.scroll) parts.push('## Scrolling', scroll(found.scroll))
  if (found.tail) parts.push('## Live tail', tail(found.tail))
  return `${parts.join('\n\n')}\n`
}

function views(all) {
  const rows = all.map(({ name, fcp, lcp, worst, of, shown, longest, scripts, scriptBytes, chartBytes }) => [name, ms(fcp), `${ms(lcp)} (${ms(worst)})`, of, ms(shown), ms(longest), scripts, ms(kib(scriptBytes - chartBytes)), ms(kib(chartBytes))])
  return table(['view', 'first paint', 'largest (worst), ms', 'of what', 'shown', 'longest task', 'scripts', 'KiB', 'KiB of charts'], rows)
}

const asked = ({ name, calls }) => `${name}:\n\n${table(['call', 'from', 'in line', 'server', 'to, ms'], calls.map(({ call, at, waited, server, end }) => [call, ms(at), ms(waited), ms(server), ms(end)]))}`

const callTable = (calls) => table(['call', 'first', 'p50', 'worst, ms'], calls.map(({ call, first, p50, worst }) => [call, ms(first), ms(p50), ms(worst)]))

function lighthouse(all) {
  const rows = all.map(({ form, name, performance, accessibility, fcp, lcp, tbt, cls, speed, missed }) => [form, name, performance, accessibility, ms(fcp), ms(lcp), ms(tbt), cls.toFixed(3), ms(speed), missed.join(', ')])
  return table(['form', 'view', 'performance', 'accessibility', 'FCP', 'LCP', 'TBT', 'CLS', 'speed index', 'not accessible'], rows)
}

function scroll(parts) {
  const rows = Object.entries(parts).map(([part, { frames, seconds, p50, p99, worst, long, worstTask, worstCpu }]) => [part, frames, seconds.toFixed(0), ...[p50, p99, worst].map((value) => value.toFixed(1)), long, worstTask.toFixed(0), worstCpu.toFixed(0)])
  const longest = Object.entries(parts).flatMap(([part, { longest }]) => longest.map(({ ms, parts }) => `- ${part}, ${ms.toFixed(0)} ms: ${parts.join('; ')}`))
  return [table(['part', 'frames', 's', 'p50', 'p99', 'longest, ms', 'above 50 ms', 'longest task', 'its CPU'], rows), ...(longest.length > 0 ? [longest.join('\n')] : [])].join('\n\n')
}

function tail({ looks, came, perSecond, rows, longest, missed }) {
  const head = `${came.toLocaleString('en')} failures at ${perSecond} a second; ${rows} rows at the end; longest task ${ms(longest)} ms. ${missed}`
  return `${head}\n\n${table(['look', 'heap, MiB', 'nodes', 'listeners', 'documents'], looks.map(({ heap, nodes, listeners, documents }, at) => [at, (heap / 2 ** 20).toFixed(2), nodes, listeners, documents]))}`
}
