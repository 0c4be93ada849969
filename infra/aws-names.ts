import { z } from "zod";

/** Schemas of what things of AWS are named by. */

/** By its shape: a region that is not known yet has it too. */
export const awsRegion = z
  .string()
  .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "is not a region of AWS, such as eu-central-1");

export const vpcId = z.string().regex(/^vpc-[\da-f]{8,17}$/, "is not the ID of a VPC");
