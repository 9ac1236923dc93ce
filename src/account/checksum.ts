/** FNV-1a over a text's UTF-8, as eight digits: finds damage, not intent. Node's own CRC is not in every Node 20. */
export function checksum(text: string): string {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}
