export const tfjsJobs = [];
