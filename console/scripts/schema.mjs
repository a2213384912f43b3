// Types of the admin API, from the document that the gateway's tests hold it to: no server is needed.
// Writes src/api/schema.d.ts, which is not kept: a change of the API that the console does not follow
// is a type error of the next build.
import { readFile, writeFile } from 'node:fs/promises'
import openapi, { astToString } from 'openapi-typescript'

const snapshot = new URL(
  '../../crates/gateway/src/admin/snapshots/waybill_gateway__admin__openapi__tests__the_document_is_a_contract.snap',
  import.meta.url,
)
const text = await readFile(snapshot, 'utf8')
// A snapshot is a header between two lines of dashes, then the document.
const document = JSON.parse(text.slice(text.indexOf('\n---\n') + 5))
const types = astToString(await openapi(document, { defaultNonNullable: false }))
await writeFile(new URL('../src/api/schema.d.ts', import.meta.url), types)
