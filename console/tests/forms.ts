/** What people do with forms, by the names that they read. Must not know: what any form is for. */
import { expect, type Locator, type Page } from '@playwright/test'

type Where = Page | Locator

/** What text is typed into, or something is chosen in, by its whole label. */
export function field(where: Where, label: string | RegExp): Locator {
  const name = { name: label, exact: true }
  return where.getByRole('textbox', name).or(where.getByRole('combobox', name))
}

/** Opens what one thing is chosen in, and takes the choice. */
export async function choose(where: Where, label: string | RegExp, option: string | RegExp): Promise<void> {
  await field(where, label).click()
  await pageOf(where).getByRole('option', { name: option, exact: true }).click()
}

/** Chooses one more of several, opened by the keyboard, and closes the choices. */
export async function chooseMore(where: Where, label: string | RegExp, option: string | RegExp): Promise<void> {
  await field(where, label).press('ArrowDown')
  await pageOf(where).getByRole('option', { name: option, exact: true }).click()
  await field(where, label).press('Tab')
}

/** Takes away all that was chosen of several, as the keyboard does. */
export async function empty(where: Where, label: string | RegExp, count: number): Promise<void> {
  const input = field(where, label)
  await input.focus()
  for (let one = 0; one < count; one += 1) await input.press('Backspace')
  await input.press('Tab')
}

export function button(where: Where, name: string | RegExp): Locator {
  return where.getByRole('button', { name, exact: true })
}

/** What is over the page: a form at its side, or a question in its middle. */
export function dialog(page: Page, name: string | RegExp): Locator {
  return page.getByRole('dialog', { name })
}

/** Turns a switch over, as the keyboard does. */
export async function turn(where: Where, name: string): Promise<void> {
  await where.getByRole('switch', { name }).press('Space')
}

/** That a switch of a list is off, and that the API has it so: it shows at once what it was turned to. */
export async function expectOff(where: Where, name: string): Promise<void> {
  const turned = where.getByRole('switch', { name })
  await expect(turned).not.toBeChecked()
  await expect(turned).toHaveAttribute('aria-busy', 'false')
}

/** Presses the button of a form, which goes when the API has taken it. */
export async function send(form: Locator, name: string): Promise<void> {
  await button(form, name).click()
  await expect(form).toHaveCount(0)
}

/** Says yes to the question whether one is sure. */
export async function sure(page: Page, title: string | RegExp, name: string): Promise<void> {
  await send(dialog(page, title), name)
}

/** That a field is at fault, and says why. */
export async function expectFault(where: Where, label: string | RegExp, why: string | RegExp): Promise<void> {
  await expect(field(where, label)).toHaveAttribute('aria-invalid', 'true')
  await expect(field(where, label)).toHaveAccessibleDescription(why)
}

function pageOf(where: Where): Page {
  return 'page' in where ? (where as Locator).page() : (where as Page)
}
