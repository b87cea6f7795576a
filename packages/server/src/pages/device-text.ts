import { deviceName, recognisedDevice } from '../device-name.js'
import type { Page } from './page.js'

/** Returns the name of a device in the language of the page, from its `User-Agent`. */
export function deviceText({ t }: Pick<Page, 't'>, userAgent: string | null): string {
  const { program, system } = recognisedDevice(userAgent)
  if (program !== undefined && system !== undefined) return t('letter.device', { program, system })
  return deviceName(userAgent) ?? t('account.unknown-device')
}
