//! The backend.

use std::sync::Arc;

use ark_bn254::{Fr, G1Affine};
use ark_ff::{One, Zero};
use proofyard_kernels::{
    Backend, KernelError, Program,
    backend::PointSource,
    cpu::{CpuBackend, CpuColumn},
    poseidon2::WIDTH,
};

use crate::{
    convert::{self, Limbs},
    device::{self, DeviceName},
    domain::Domain,
    error::{OpenError, Status},
    ffi::{DeviceMemory, Direction, Runtime},
    search::{self, Options},
    self_check,
};

/// The largest transform, as [`KernelError::TransformSize`] says.
const TRANSFORM_LOG2_MAX: u32 = 28;

/// Bytes of a point in ICICLE's memory.
const POINT_BYTES: usize = size_of::<[Limbs; 2]>();

/// Points that are converted before they are copied to the device.
const POINTS_AT_ONCE: usize = 1 << 16;

/// MSM and NTT on a device of an ICICLE runtime, everything else on the CPU. Clones share the runtime.
#[derive(Debug, Clone)]
pub struct IcicleBackend {
    runtime: Runtime,
    device: DeviceName,
    domain: Arc<Domain>,
    cpu: CpuBackend,
}

/// Bases in the device's memory; cloning shares them.
#[derive(Debug, Clone)]
pub struct IcicleBases {
    /// None for no bases.
    memory: Option<Arc<DeviceMemory>>,
    count: usize,
}

impl IcicleBackend {
    /// Opens the libraries of an installation, loads its backends, chooses the device and checks a few answers.
    ///
    /// The libraries stay loaded until the process ends. Opening one runs its code: the folder must be the operator's.
    pub fn open(options: &Options) -> Result<Self, OpenError> {
        let device = DeviceName::parse(options.device.as_deref().unwrap_or(device::DEFAULT))?;
        let place = search::find(options, |name| std::env::var_os(name))?;
        let runtime = Runtime::load(&place)?;
        let failed = |call| move |status| OpenError::Runtime { call, status };
        match &place.backends {
            Some(folder) => runtime.load_backend(folder)?.map_err(failed("icicle_load_backend"))?,
            // None loaded: a device may be built in all the same.
            None => match runtime.load_default_backend() {
                Ok(()) | Err(Status::BACKEND_LOAD_FAILED) => {}
                Err(status) => return Err(failed("icicle_load_backend_from_env_or_default")(status)),
            },
        }
        let no_device = |found| OpenError::NoDevice { asked: device.to_string(), found };
        // To name an unknown kind to any other function ends the process.
        if !runtime.is_available(&DeviceName { index: 0, ..device.clone() }) {
            let found = runtime.registered_devices().map_err(failed("icicle_get_registered_devices"))?;
            return Err(no_device(if found.is_empty() { "none".to_owned() } else { found }));
        }
        let set = |name: &DeviceName| {
            runtime.set_device(name).map_err(|status| match status {
                Status::LICENSE_CHECK_ERROR => OpenError::Licence { device: name.to_string() },
                status => OpenError::Runtime { call: "icicle_set_device", status },
            })
        };
        // The count is that of the thread's device.
        set(&DeviceName { index: 0, ..device.clone() })?;
        let count = runtime.device_count().map_err(failed("icicle_get_device_count"))?;
        if device.index >= count {
            return Err(no_device(format!("{count} of {}", device.kind)));
        }
        set(&device)?;

        let domain = Domain::of(&runtime, &device);
        let backend = Self { runtime, device, domain, cpu: CpuBackend::new() };
        self_check::run(&backend, &backend.cpu)?;
        Ok(backend)
    }

    /// The device, as "KIND:index".
    pub fn device(&self) -> String {
        self.device.to_string()
    }

    /// Makes the device the calling thread's, as ICICLE wants it before every operation of a thread.
    fn choose(&self) -> Result<(), KernelError> {
        self.runtime.set_device(&self.device).map_err(|status| status.in_call("icicle_set_device"))
    }

    fn transform(&self, column: &CpuColumn, direction: Direction, coset: Fr) -> Result<CpuColumn, KernelError> {
        let values = column.as_ref();
        let size = values.len();
        if !size.is_power_of_two() || size.ilog2() > TRANSFORM_LOG2_MAX {
            return Err(KernelError::TransformSize(size));
        }
        // A single element is its own transform; ICICLE has no domain for it.
        if size == 1 {
            return Ok(column.clone());
        }
        self.choose()?;
        let mut limbs: Vec<Limbs> = values.iter().map(convert::montgomery).collect();
        let coset = convert::standard(&coset);
        self.domain.with(&self.runtime, size.ilog2(), || {
            self.runtime.ntt(&mut limbs, direction, &coset).map_err(|status| status.in_call("bn254_ntt"))
        })?;
        let values: Option<Vec<Fr>> = limbs.into_iter().map(convert::from_montgomery).collect();
        let values = values
            .ok_or_else(|| KernelError::Device("ICICLE's bn254_ntt gave a value that is not reduced".to_owned()))?;
        self.cpu.upload_owned(values)
    }

    fn msm_of(&self, bases: &IcicleBases, values: &[Fr]) -> Result<G1Affine, KernelError> {
        let Some(memory) = bases.memory.as_ref().filter(|_| !values.is_empty()) else {
            return Ok(G1Affine::identity());
        };
        let scalars: Vec<Limbs> = values.iter().map(convert::montgomery).collect();
        let sum = self.runtime.msm(&scalars, memory).map_err(|status| status.in_call("bn254_msm"))?;
        convert::from_projective(sum)
            .ok_or_else(|| KernelError::Device("ICICLE's bn254_msm gave no point of the curve".to_owned()))
    }
}

impl Backend for IcicleBackend {
    type Column = CpuColumn;
    type Bases = IcicleBases;

    fn name(&self) -> &'static str {
        "icicle"
    }

    fn upload(&self, values: &[Fr]) -> Result<Self::Column, KernelError> {
        self.cpu.upload(values)
    }

    fn upload_owned(&self, values: Vec<Fr>) -> Result<Self::Column, KernelError> {
        self.cpu.upload_owned(values)
    }

    fn download(&self, column: &Self::Column) -> Result<Vec<Fr>, KernelError> {
        self.cpu.download(column)
    }

    fn upload_bases(&self, points: PointSource) -> Result<Self::Bases, KernelError> {
        let points = (*points).as_ref();
        let count = points.len();
        // ICICLE counts in C's `int`.
        let max = i32::MAX as usize;
        if count > max {
            return Err(KernelError::Length { what: "bases", expected: max, got: count });
        }
        if count == 0 {
            return Ok(IcicleBases { memory: None, count });
        }
        self.choose()?;
        let memory = DeviceMemory::allocate(self.runtime, count * POINT_BYTES)
            .map_err(|status| status.in_call("icicle_malloc"))?;
        for (at, points) in points.chunks(POINTS_AT_ONCE).enumerate() {
            // Converted once here instead of in each MSM.
            let standard: Vec<[Limbs; 2]> = points.iter().map(convert::standard_point).collect();
            memory
                .write(at * POINTS_AT_ONCE * POINT_BYTES, standard.as_flattened().as_flattened())
                .map_err(|status| status.in_call("icicle_copy_to_device"))?;
        }
        Ok(IcicleBases { memory: Some(Arc::new(memory)), count })
    }

    fn msm(&self, bases: &Self::Bases, scalars: &[&Self::Column]) -> Result<Vec<G1Affine>, KernelError> {
        let lengths = scalars.iter().map(|column| column.as_ref().len());
        if let Some(got) = lengths.into_iter().find(|length| *length > bases.count) {
            return Err(KernelError::Length { what: "scalars", expected: bases.count, got });
        }
        self.choose()?;
        scalars.iter().map(|column| self.msm_of(bases, column.as_ref())).collect()
    }

    fn interpolate(&self, evaluations: &Self::Column) -> Result<Self::Column, KernelError> {
        self.transform(evaluations, Direction::Inverse, Fr::one())
    }

    fn evaluate_on_coset(&self, coefficients: &Self::Column, shift: Fr) -> Result<Self::Column, KernelError> {
        // Zero generates no coset; what the trait means by it is the CPU's affair.
        if shift.is_zero() {
            return self.cpu.evaluate_on_coset(coefficients, shift);
        }
        self.transform(coefficients, Direction::Forward, shift)
    }

    fn interpolate_from_coset(&self, evaluations: &Self::Column, shift: Fr) -> Result<Self::Column, KernelError> {
        if shift.is_zero() {
            return Err(KernelError::ZeroDenominator("the coset shift"));
        }
        self.transform(evaluations, Direction::Inverse, shift)
    }

    fn run(&self, program: &Program, columns: &[&Self::Column], uniforms: &[Fr]) -> Result<Self::Column, KernelError> {
        self.cpu.run(program, columns, uniforms)
    }

    fn grand_product(
        &self,
        numerators: &Self::Column,
        denominators: &Self::Column,
    ) -> Result<(Self::Column, Fr), KernelError> {
        self.cpu.grand_product(numerators, denominators)
    }

    fn linear_combination(&self, terms: &[(Fr, &Self::Column)]) -> Result<Self::Column, KernelError> {
        self.cpu.linear_combination(terms)
    }

    fn divide_by_linear(&self, coefficients: &Self::Column, point: Fr) -> Result<(Self::Column, Fr), KernelError> {
        self.cpu.divide_by_linear(coefficients, point)
    }

    fn evaluate(&self, coefficients: &Self::Column, point: Fr) -> Result<Fr, KernelError> {
        self.cpu.evaluate(coefficients, point)
    }

    fn expand_permutations(
        &self,
        wires: [Self::Column; WIDTH],
        first_rows: &[u32],
    ) -> Result<[Self::Column; WIDTH], KernelError> {
        self.cpu.expand_permutations(wires, first_rows)
    }
}
