export async function main(_words: string[]): Promise<void> {}
