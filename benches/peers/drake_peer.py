"""Drake on the scene: `point` contact, or hydroelastic contact with the node's mesh at `mesh10` or `mesh5` mm.

Prints JSON. `VARIANT speed [SECONDS]` or `VARIANT static`.
"""

import importlib.metadata
import json
import logging
import sys
import time

import numpy as np
from pydrake.geometry import (
    AddCompliantHydroelasticPropertiesForHalfSpace,
    AddContactMaterial,
    AddRigidHydroelasticProperties,
    HalfSpace,
    ProximityProperties,
    Sphere,
)
from pydrake.math import RigidTransform
from pydrake.multibody.plant import AddMultibodyPlant, ContactModel, CoulombFriction, MultibodyPlantConfig
from pydrake.multibody.tree import (
    FixedOffsetFrame,
    PdControllerGains,
    PrismaticJoint,
    PrismaticSpring,
    RevoluteJoint,
    SpatialInertia,
    UnitInertia,
)
from pydrake.systems.analysis import Simulator
from pydrake.systems.framework import DiagramBuilder
from pydrake.systems.primitives import TrajectorySource
from pydrake.trajectories import PiecewisePolynomial

import scene

# It warns that half-spaces do not touch deformable bodies; there are none.
logging.getLogger("drake").setLevel(logging.ERROR)

# A hydroelastic half-space is a Winkler bed: pressure = modulus * local depth / thickness. A rigid sphere 12 mm deep in it
# overlaps pi (R d^2 - d^3 / 3) = 9500 mm^3, so 168 kPa give 40 N; a faceted sphere is smaller and is given more, as `static` asks for.
MODULUS_PA = {"mesh5": 180.8e3, "mesh10": 205.1e3}
RESOLUTION_M = {"mesh5": 0.005, "mesh10": 0.010}
# Point contact is a linear spring: 40 N at 12 mm. The stiffness of a pair is that of two in series: the node gets a high one.
POINT_N_M = scene.FORCE_N / scene.DEPTH_M
# Drake's own default of 0.1 s makes nodes ride 30 % high while they move.
RELAXATION_S = 0.0


def properties(variant, of_slab):
    made = ProximityProperties()
    AddContactMaterial(
        friction=CoulombFriction(scene.FRICTION, scene.FRICTION),
        point_stiffness=POINT_N_M if of_slab else 1e12,
        properties=made,
    )
    made.AddProperty("material", "relaxation_time", RELAXATION_S)
    if variant != "point":
        if of_slab:
            AddCompliantHydroelasticPropertiesForHalfSpace(scene.SLAB_M[2], MODULUS_PA[variant], made)
        else:
            AddRigidHydroelasticProperties(RESOLUTION_M[variant], made)
    return made


def begin(variant, sampled=True):
    builder = DiagramBuilder()
    config = MultibodyPlantConfig(
        time_step=scene.STEP_S, discrete_contact_approximation="sap", use_sampled_output_ports=sampled
    )
    plant, _ = AddMultibodyPlant(config, builder)
    plant.set_contact_model(ContactModel.kPoint if variant == "point" else ContactModel.kHydroelasticWithFallback)
    plant.mutable_gravity_field().set_gravity_vector([0, 0, 0])
    plant.RegisterCollisionGeometry(
        plant.world_body(), RigidTransform(), HalfSpace(), "slab", properties(variant, of_slab=True)
    )
    return builder, plant


def add_node(plant, variant, name, mass_kg):
    inertia = SpatialInertia(mass_kg, [0, 0, 0], UnitInertia.SolidSphere(scene.RADIUS_M))
    node = plant.AddRigidBody(name, inertia)
    plant.RegisterCollisionGeometry(
        node, RigidTransform(), Sphere(scene.RADIUS_M), name, properties(variant, of_slab=False)
    )
    return node


def scene_plant(variant):
    """Carriage on a slide, four cranks, a node on a sprung slide on each: 9 degrees of freedom, 5 of them driven."""
    builder, plant = begin(variant)
    world = plant.world_frame()
    carriage = plant.AddRigidBody("carriage", SpatialInertia(7.0, [0, 0, 0], UnitInertia.SolidCube(0.3)))
    driven = [plant.AddJoint(PrismaticJoint("carriage", world, carriage.body_frame(), [0, 1, 0]))]
    height_m = scene.RADIUS_M - scene.DEPTH_M
    for i, (x, y) in enumerate(scene.NODES_M):
        crank = plant.AddRigidBody(f"crank{i}", SpatialInertia(0.1, [0, 0, 0], UnitInertia(1e-3, 1e-3, 1e-3)))
        hub = plant.AddFrame(fixed(f"hub{i}", carriage, [x, y, height_m]))
        driven.append(plant.AddJoint(RevoluteJoint(f"crank{i}", hub, crank.body_frame(), [0, 0, 1])))
        node = add_node(plant, variant, f"node{i}", scene.NODE_KG)
        pin = plant.AddFrame(fixed(f"pin{i}", crank, [scene.CRANK_M, 0, 0]))
        slide = plant.AddJoint(
            PrismaticJoint(f"slide{i}", pin, node.body_frame(), [0, 0, 1], damping=scene.SPRING_DAMPING_N_S_M)
        )
        plant.AddForceElement(PrismaticSpring(slide, -scene.SPRING_PRELOAD_M, scene.SPRING_N_M))
    for joint in driven:
        motor = plant.AddJointActuator(joint.name(), joint)
        gains = PdControllerGains(p=2e4, d=800) if joint is driven[0] else PdControllerGains(p=20, d=0.4)
        motor.set_controller_gains(gains)
    plant.Finalize()
    return builder, plant


def fixed(name, body, place_m):
    return FixedOffsetFrame(name, body, RigidTransform(place_m))


def speed(variant, seconds):
    builder, plant = scene_plant(variant)
    times_s = np.arange(0.0, seconds + 0.011, 0.01)
    places = np.array([[place] + [angle] * 4 for place, angle in map(scene.motion, times_s)]).T
    course = builder.AddSystem(TrajectorySource(PiecewisePolynomial.FirstOrderHold(times_s, places), 1))
    model = plant.GetModelInstanceByName("DefaultModelInstance")
    builder.Connect(course.get_output_port(), plant.get_desired_state_input_port(model))
    simulator = Simulator(builder.Build())
    context = simulator.get_mutable_context()
    own = plant.GetMyMutableContextFromRoot(context)
    plant.GetJointByName("carriage").set_translation(own, places[0, 0])
    simulator.Initialize()

    samples, forces, wall_s, cpu_s = [], [], 0.0, 0.0
    for end_s in np.linspace(0.0, seconds, 61)[1:]:
        start, start_cpu = time.perf_counter(), time.process_time()
        simulator.AdvanceTo(end_s)
        wall_s += time.perf_counter() - start
        cpu_s += time.process_time() - start_cpu
        faces, newtons = contacts(plant, own)
        samples += faces
        forces += newtons
    return {
        "peer": name(variant),
        "step_ms": 1e3 * scene.STEP_S,
        "simulated_s": seconds,
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "samples_per_patch": float(np.mean(samples)),
        "pressure_map": variant != "point",
        "nodes_touching": len(forces) / 60,
        "mean_force_n": float(np.mean(forces)),
    }


def static(variant):
    """Force on a node so heavy that it does not move within a step, at each depth."""
    # Unsampled: contact as it is at a place, not as it was at the last step.
    builder, plant = begin(variant, sampled=False)
    node = add_node(plant, variant, "node", 1e6)
    slide = plant.AddJoint(PrismaticJoint("slide", plant.world_frame(), node.body_frame(), [0, 0, 1]))
    plant.Finalize()
    diagram = builder.Build()
    context = diagram.CreateDefaultContext()
    own = plant.GetMyMutableContextFromRoot(context)
    forces = {}
    for depth_mm in scene.EXACT_N:
        slide.set_translation(own, scene.RADIUS_M - 1e-3 * depth_mm)
        forces[depth_mm] = sum(contacts(plant, own)[1])
    return {"peer": name(variant), "force_n": forces}


def contacts(plant, context):
    """Samples and normal force, N, of every patch."""
    found = plant.get_contact_results_output_port().Eval(context)
    samples, forces = [], []
    for i in range(found.num_point_pair_contacts()):
        samples.append(1)
        forces.append(abs(found.point_pair_contact_info(i).contact_force()[2]))
    for i in range(found.num_hydroelastic_contacts()):
        info = found.hydroelastic_contact_info(i)
        samples.append(info.contact_surface().num_faces())
        forces.append(abs(info.F_Ac_W().translational()[2]))
    return samples, forces


def name(variant):
    version = importlib.metadata.version("drake")
    what = "point contact" if variant == "point" else f"hydroelastic, {variant[4:]} mm mesh"
    return f"Drake {version}, {what}, SAP"


if __name__ == "__main__":
    variant, what = sys.argv[1:3]
    print(json.dumps(static(variant) if what == "static" else speed(variant, float(sys.argv[3]))))
