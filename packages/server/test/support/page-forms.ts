import type { Page } from 'playwright-core'
import { password } from './people.js'

/** Fills and sends the form of the sign-in page, which is open. */
export async function sendSignIn(page: Page, email: string, secret = password): Promise<void> {
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(secret)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

/** Fills and sends the form of the registration page, which is open. */
export async function sendRegistration(page: Page, email: string, secret = password): Promise<void> {
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(secret)
  await page.getByRole('button', { name: 'Create account' }).click()
}

/** Signs out at the page for that, which is open. */
export async function sendSignOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Sign out', exact: true }).click()
}
