import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'

/**
 * Writes a picture of the page into the folder that `LATCHKEY_SCREENSHOTS` names: of the whole
 * page, or of its window alone. Without the variable it does nothing.
 */
export async function takeScreenshot(page: Page, name: string, { fullPage = true } = {}): Promise<void> {
  const folder = process.env.LATCHKEY_SCREENSHOTS
  if (folder === undefined || folder === '') return
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage })
}
