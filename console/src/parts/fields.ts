/** What the API says of a field stands at that field. */
import { problemOf } from '../api/problem'
import { tellProblem } from './told'

interface Form {
  values: unknown
  setFieldError: (field: string, error: string) => void
}

/** Shows a problem at its field of the form; one of no field of it is told. `known` are the fields that are on the page. */
export function toFields(form: Form, known: readonly string[]): (thrown: unknown) => void {
  return (thrown) => {
    const { field, detail } = problemOf(thrown)
    const place = field && placeOf(field, known)
    if (place) form.setFieldError(place, detail)
    else tellProblem(thrown)
  }
}

/** The field of the form that a path of the body belongs to: the path itself, or the nearest one around it. */
export function placeOf(path: string, known: readonly string[]): string | undefined {
  const parts = path.replace(/\[(\d+)\]/g, '.$1').split('.')
  for (let length = parts.length; length > 0; length -= 1) {
    const name = parts.slice(0, length).join('.')
    if (known.includes(name)) return name
  }
  return known.find((name) => name.startsWith(`${path}.`))
}
